"""How many attachments are on their way at once, in either direction: each holds some MiB of memory."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from uuid import UUID

from shared.http.problems import UNAVAILABLE, Problem

MOST = 32
MOST_OF_ACCOUNT = 16  # one account leaves room for the others
_COME_AGAIN_S = "5"


class Transfers:
    """Those of this process."""

    def __init__(self, most: int = MOST, most_of_account: int = MOST_OF_ACCOUNT) -> None:
        self._most = most
        self._most_of_account = most_of_account
        self._under_way: Counter[UUID] = Counter()

    def need_room(self, account_id: UUID) -> None:
        """Problem 503 while too many are under way."""
        full = self._under_way.total() >= self._most
        if full or self._under_way[account_id] >= self._most_of_account:
            headers = {"Retry-After": _COME_AGAIN_S, "Connection": "close"}
            raise Problem(UNAVAILABLE, "Too many attachments are on their way.", headers=headers)

    @contextmanager
    def one(self, account_id: UUID) -> Iterator[None]:
        """While it is under way."""
        self._under_way[account_id] += 1
        try:
            yield
        finally:
            self._under_way[account_id] -= 1
            if not self._under_way[account_id]:
                del self._under_way[account_id]

    async def counted(self, account_id: UUID, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same pieces, under way until the last of them."""
        with self.one(account_id):
            async for piece in pieces:
                yield piece
