"""Entity tags of records."""

import pytest

from services.crm.rules.versions import entity_tag, expected_versions, fits

pytestmark = pytest.mark.requirement("R1")


@pytest.mark.parametrize(
    ("if_match", "passes"),
    [
        (None, True),
        ("*", True),
        (' "3" ', True),
        ('"1", "3"', True),
        ('"2"', False),
        ('W/"3"', False),
        ("3", False),
        ("", False),
        ('"３"', False),
        ('"33333333333333333333333333"', False),
    ],
)
def test_only_the_version_that_was_read_passes(if_match: str | None, passes: bool) -> None:
    """A tag that is weak or not ours is stale, never "any"."""
    assert fits(expected_versions(if_match), 3) is passes


def test_a_tag_comes_back_as_the_version_it_stands_for() -> None:
    assert expected_versions(entity_tag(41)) == {41}
