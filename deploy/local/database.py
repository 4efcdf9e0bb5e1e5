"""The embedded database as a process: SecantusDB's own command line, with our log format."""

import contextlib
import socket
import sys

from secantus import cli

from shared.telemetry import logs


class _PromptServer(cli.SecantusDBServer):  # type: ignore[misc]  # the library has no types
    """Closing a socket doesn't wake the thread that accepts on it, for which `stop` waits two seconds."""

    def stop(self) -> None:
        """Wake it first, where the system can: macOS refuses to shut down a socket that listens."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        super().stop()


if __name__ == "__main__":
    logs.configure("database", "WARNING")
    cli.SecantusDBServer = _PromptServer
    sys.exit(cli.main())
