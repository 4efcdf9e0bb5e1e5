"""How many attachments may be on their way at once."""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from uuid import uuid4

import pytest

from services.crm.application.transfers import Transfers
from shared.http.problems import UNAVAILABLE, Problem


async def _pieces() -> AsyncIterator[bytes]:
    yield b"one"
    yield b"two"


async def test_one_too_many_is_told_to_come_again_and_one_that_ends_makes_room() -> None:
    """Of one account, and of all; a download counts from its first piece to its last."""
    transfers, busy, other = Transfers(most=3, most_of_account=2), uuid4(), uuid4()
    with ExitStack() as under_way:
        for _ in range(2):
            transfers.need_room(busy)
            under_way.enter_context(transfers.one(busy))
        with pytest.raises(Problem) as refused:
            transfers.need_room(busy)
        assert refused.value.problem is UNAVAILABLE
        assert refused.value.headers["Retry-After"] == "5"
        transfers.need_room(other)
        download = transfers.counted(other, _pieces())
        assert await anext(download) == b"one"
        with pytest.raises(Problem):
            transfers.need_room(uuid4())
        assert [piece async for piece in download] == [b"two"]
        transfers.need_room(other)
    transfers.need_room(busy)
