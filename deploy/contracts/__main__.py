"""`python -m deploy.contracts write|check|release`."""

import argparse
import sys
from pathlib import Path

from deploy.contracts import check
from deploy.contracts.documents import as_json, event_documents, generated
from deploy.contracts.schemas import all_events, name_of, schema_of

FOLDER = Path("contracts")


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: all is well; 1: something is not, printed."""
    parser = argparse.ArgumentParser(prog="python -m deploy.contracts", description=__doc__)
    parser.add_argument("action", choices=["write", "check", "release"])
    action = parser.parse_args(arguments).action
    return {"write": write, "check": verify, "release": release}[action](FOLDER)


def write(folder: Path) -> int:
    """Make the documents anew and take away what nothing makes any more."""
    documents = generated()
    for path, text in documents.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    known = {folder / path for path in documents}
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file not in known and file.relative_to(folder).parts[0] != check.RELEASED:
            file.unlink()
    print(f"{len(documents)} documents in {folder}/")
    return 0


def verify(folder: Path) -> int:
    """Hold the files against the code and against what was released."""
    faults = [*check.drift(folder, generated()), *check.invalid_examples(folder), *check.breaks(folder)]
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        print("contracts match the code, examples are valid, nothing that was released breaks")
    return 1 if faults else 0


def release(folder: Path) -> int:
    """Freeze the schemas and examples of today; refused while something released is broken.

    Examples that were released before stay as they were: they are what old data looks like.
    """
    faults = list(check.breaks(folder))
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        return 1
    documents = event_documents()
    for _, event in all_events():
        name = name_of(event)
        frozen = folder / check.RELEASED / name.folder
        frozen.mkdir(parents=True, exist_ok=True)
        (frozen / "schema.json").write_text(as_json(schema_of(event)))
        for path, text in documents.items():
            if path.parts[0] == "examples" and path.parent.parts[1:] == name.folder.parts:
                example = frozen / path.name
                if not example.exists():
                    example.write_text(text)
    print(f"released events are frozen in {folder / check.RELEASED}/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
