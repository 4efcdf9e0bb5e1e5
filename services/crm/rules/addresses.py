"""When two e-mail addresses are the same."""


def fold(address: str) -> str:
    """The form to compare: case does not count, everything else does (`a+tag@x` is not `a@x`)."""
    return address.strip().casefold()
