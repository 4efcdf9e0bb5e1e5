"""`python -m deploy.kubernetes write|check`: the Kafka resources of the catalogue."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.contracts.check import difference
from deploy.kubernetes.strimzi import documents

FOLDER = Path(__file__).resolve().parent


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: all is well; 1: a file is not what the catalogue says, printed."""
    parser = argparse.ArgumentParser(prog="python -m deploy.kubernetes", description=__doc__)
    parser.add_argument("action", choices=["write", "check"])
    return {"write": write, "check": check}[parser.parse_args(arguments).action]()


def write() -> int:
    """Make the files anew."""
    for path, text in documents().items():
        (FOLDER / path).write_text(text)
    print(f"{len(documents())} files in {FOLDER}/")
    return 0


def check() -> int:
    """Hold the files against the catalogue."""
    faults = list(drift(FOLDER))
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def drift(folder: Path) -> Iterator[str]:
    """Files that differ from what the catalogue makes, or are missing."""
    for path, text in sorted(documents().items()):
        file = folder / path
        found = file.read_text() if file.exists() else ""
        if found != text:
            lines = difference(str(path), found, text)
            yield f"{path} is not what the catalogue says: run `make manifests`\n{lines}"


if __name__ == "__main__":
    sys.exit(main())
