"""Post-mortems at work: the text that people write, its versions, its review, what follows from it."""
