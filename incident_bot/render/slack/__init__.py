"""Values to what Slack shows: text in its mrkdwn, blocks of Block Kit. Pure; every builder keeps Block Kit's limits."""
