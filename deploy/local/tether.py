"""Runs a command that dies with its starter: `python -I -S tether.py <starter's pid> command…`.

A process of its own between fork and exec, because code in a forked interpreter (`preexec_fn`) may
deadlock. The kernel's order to die with the parent outlives exec. Elsewhere than on Linux the
command runs without it.
"""

import os
import sys

_PR_SET_PDEATHSIG = 1
_SIGKILL = 9


def main(starter: int, command: list[str]) -> None:
    """Become the command. Exit code 127 when it can't be run."""
    if sys.platform == "linux":
        _die_with_parent(starter)
    try:
        os.execvp(command[0], command)  # noqa: S606 - the starter chose the command
    except OSError as error:
        sys.stderr.write(f"can't run {command[0]}: {error.strerror}\n")
        sys.exit(127)


def _die_with_parent(starter: int) -> None:
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    if os.getppid() != starter:  # it died before the order was given
        sys.exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
