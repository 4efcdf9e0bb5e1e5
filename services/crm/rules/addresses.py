"""What an e-mail address is, and when two are the same."""

PATTERN = r'^[^\s@<>"]+@[^\s@<>"]+$'
SHORTEST, LONGEST = 3, 320


def fold(address: str) -> str:
    """The form to compare: case does not count, everything else does (`a+tag@x` is not `a@x`)."""
    return address.strip().casefold()
