"""What a password must be."""

SHORTEST = 10  # characters; NIST SP 800-63B asks for 8 and for no rules of composition
LONGEST = 1024  # more is work for the hash alone


def acceptable(password: str) -> bool:
    """Whether it may be used."""
    return SHORTEST <= len(password) <= LONGEST
