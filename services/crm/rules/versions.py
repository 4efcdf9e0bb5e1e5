"""Versions of records as entity tags (RFC 9110), and what a client expects of them."""

import re

Expected = frozenset[int] | None  # None: any version
_STRONG = re.compile(r'"([0-9]{1,18})"', re.ASCII)


def entity_tag(version: int) -> str:
    """The version as the value of an `ETag` header."""
    return f'"{version}"'


def expected_versions(if_match: str | None) -> Expected:
    """The versions that an `If-Match` header lets pass; what is no tag of ours lets nothing pass.

    Weak tags never match (RFC 9110, 13.1.1).
    """
    if if_match is None or if_match.strip() == "*":
        return None
    found = (_STRONG.fullmatch(part.strip()) for part in if_match.split(","))
    return frozenset(int(tag[1]) for tag in found if tag is not None)


def fits(expected: Expected, version: int) -> bool:
    """Whether a client that expects these versions may change a record of this one."""
    return expected is None or version in expected
