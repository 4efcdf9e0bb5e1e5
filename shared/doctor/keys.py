"""Key rings: there, whole, and closed to others."""

import hashlib
import stat
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from shared.doctor.findings import Finding, Ring, State, wrong
from shared.tokens.keyring import KeyRing, KeyRingUnreadable

_FOR_OTHERS = stat.S_IRWXO


def ring_findings(variable: str, path: Path, purpose: str) -> Iterator[Finding]:
    """Of the ring that a setting names. Services that use one for the same purpose must have the same."""
    what = f"keys {variable}"
    try:
        ring = KeyRing.load(path)
        mode = path.stat().st_mode
    except (KeyRingUnreadable, OSError):
        state = "is broken" if path.exists() else "is missing"
        cure = "put the ring back from the backup; `kaifu keys new` only if no mail was ever sent with one"
        yield wrong(what, f"the ring {state} or can't be read", cure)
        return
    if mode & _FOR_OTHERS:
        yield wrong(what, "everybody on the machine can read the ring", "chmod 0600 the file that it names")
    else:
        mark = fingerprint(path)
        said = f"{len(ring.keys)} in the ring, current {ring.current}, fingerprint {mark}"
        yield Finding(what, State.FINE, said, ring=Ring(purpose, mark))


def shared_findings(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Rings of one purpose that differ between the services."""
    marks: defaultdict[str, set[str]] = defaultdict(set)
    for finding in findings:
        if finding.ring is not None:
            marks[finding.ring.purpose].add(finding.ring.fingerprint)
    for purpose, different in marks.items():
        if len(different) > 1:
            said = f"the services have different {purpose} rings"
            yield wrong("keys", said, "give them the same file: what one seals the other must open")


def fingerprint(path: Path) -> str:
    """Eight digits that tell rings apart and nothing of their keys, which are random."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]
