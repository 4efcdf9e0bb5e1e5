"""The embedded database as a process: SecantusDB's own command line, with our log format."""

import sys

from secantus.cli import main

from shared.telemetry import logs

if __name__ == "__main__":
    logs.configure("database", "WARNING")
    sys.exit(main())
