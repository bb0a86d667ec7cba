"""Values to something to look at: messages, documents, cards. Decides nothing, sends nothing."""
