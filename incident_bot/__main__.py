"""``python -m incident_bot`` is ``incident-bot``: the same command line, for where no script is installed."""

from incident_bot.cli import main

if __name__ == "__main__":
    main()
