"""Quotas: a burst at once, an even pace over time, each key by itself."""

from uuid import uuid4

import pytest

from services.ingest.problems import TOO_MANY_REQUESTS
from services.ingest.rules_quota import admit
from shared.http.problems import Problem
from shared.quota import Quota

NOW = 1000.0


def granted(quota: Quota[bytes], count: int, now_s: float, key: bytes = b"one") -> int:
    """How many of so many at once."""
    return sum(quota.wait_s(key, now_s) == 0 for _ in range(count))


def test_a_burst_is_granted_at_once_and_then_the_even_pace() -> None:
    quota: Quota[bytes] = Quota(per_s=4, burst=10)
    assert granted(quota, 50, NOW) == 10
    assert granted(quota, 50, NOW + 1) == 4
    assert granted(quota, 50, NOW + 1.25) == 1
    assert granted(quota, 50, NOW + 3600) == 10, "what was not used is not saved up beyond a burst"


def test_being_refused_costs_nothing() -> None:
    quota: Quota[bytes] = Quota(per_s=1, burst=1)
    assert granted(quota, 1000, NOW) == 1
    assert quota.wait_s(b"one", NOW) == pytest.approx(1.0)
    assert quota.wait_s(b"one", NOW + 1) == 0


def test_keys_do_not_share() -> None:
    quota: Quota[bytes] = Quota(per_s=1, burst=3)
    assert granted(quota, 9, NOW) == 3
    assert granted(quota, 9, NOW, b"other") == 3


def test_keys_that_were_quiet_longest_are_forgotten_and_busy_ones_are_not() -> None:
    quota: Quota[bytes] = Quota(per_s=1, burst=3, most_keys=10)
    granted(quota, 3, NOW)
    for number in range(100):
        granted(quota, 1, NOW, b"%d" % number)
        assert granted(quota, 1, NOW) == 0
    assert len(quota._recent) + len(quota._earlier) <= 20


def test_a_request_too_many_is_a_problem_that_says_when_to_come_again() -> None:
    quota, account = Quota(per_s=0.5, burst=2), uuid4()
    admit(quota, account, NOW)
    admit(quota, account, NOW)
    with pytest.raises(Problem) as refused:
        admit(quota, account, NOW)
    assert refused.value.problem is TOO_MANY_REQUESTS
    assert refused.value.headers == {"Retry-After": "3"}
    admit(quota, uuid4(), NOW)
    admit(quota, account, NOW + 2)
