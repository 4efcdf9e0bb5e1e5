"""Kafka's records by message, on disk: a topic holds more than memory, and not in the order of messages.

They hold client addresses, so the folder is its owner's alone and deleted at the end.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import UUID

from rocksdict import Options, Rdict

from services.tracker.handlers import sent_of
from shared.directory.histories import MOST_HITS, HistoriesAsked, MessageHistory, parted
from shared.events.catalogue import ENGAGEMENTS, HITS, SENDS
from shared.events.codec import UndecodableEvent, decode
from shared.events.engagements import EngagementJudged
from shared.events.hits import AnyHitEvent, HitRecorded, HitRelated, ReplyReceived, ViewingReported
from shared.events.sends import SendEvent

_MESSAGE = 32  # bytes of a key that name account and message
_WANTED, _SEND, _FACT, _ENGAGEMENT = b"0", b"1", b"2", b"3"


class Spill:
    """Give it email.hits first, then the others: of those only what belongs to a hit is kept."""

    def __init__(self, db: Any, asked: HistoriesAsked) -> None:
        self._db = db
        self._asked = asked
        self.messages = 0

    @classmethod
    @contextmanager
    def made(cls, folder: Path, asked: HistoriesAsked) -> Iterator["Spill"]:
        """An empty one in a new folder below `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        own = Path(tempfile.mkdtemp(prefix="replay-", dir=folder))
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        db = Rdict(str(own), options=options)
        try:
            yield cls(db, asked)
        finally:
            db.close()
            shutil.rmtree(own, ignore_errors=True)

    def put(self, topic: str, value: bytes | None) -> None:
        """A record. What can't be read is among the dead letters since it came first."""
        try:
            event = decode(topic, value)
        except UndecodableEvent:
            return
        assert value is not None
        if isinstance(event, HitRecorded | ViewingReported | HitRelated | ReplyReceived):
            self._put_fact(event, value)
        elif isinstance(event, SendEvent):
            self._put_send(event, value)
        elif isinstance(event, EngagementJudged):
            self._put_engagement(event, value)

    def histories(self, after: str | None) -> Iterator[MessageHistory]:
        """Those that were fetched or answered in the span and that are known to be sent, behind a place."""
        begin = b"" if after is None else _key(*parted(after)) + b"\xff"
        rows = ((bytes(key), bytes(value)) for key, value in self._db.items(from_key=begin))
        for message, of_message in groupby(rows, key=lambda row: row[0][:_MESSAGE]):
            history = _history(message, list(of_message))
            if history is not None:
                yield history

    def _put_fact(self, event: AnyHitEvent, value: bytes) -> None:
        asked = self._asked
        if asked.account_id not in (None, event.account_id) or asked.message_id not in (
            None,
            event.message_id,
        ):
            return
        key = _key(event.account_id, event.message_id)
        self._db[key + _FACT + event.event_id.bytes] = value
        is_judged = isinstance(event, HitRecorded | ReplyReceived)
        is_in_span = asked.since <= event.occurred_at < asked.until
        if is_judged and is_in_span and self._db.get(key + _WANTED) is None:
            self._db[key + _WANTED] = b""
            self.messages += 1

    def _put_send(self, event: SendEvent, value: bytes) -> None:
        key = _key(event.account_id, event.message_id)
        if self._db.get(key + _WANTED) is None:
            return
        known = self._db.get(key + _SEND)
        if known is None or sent_of(event).order > sent_of(_send(known)).order:
            self._db[key + _SEND] = value

    def _put_engagement(self, event: EngagementJudged, value: bytes) -> None:
        key = _key(event.account_id, event.message_id)
        if self._db.get(key + _WANTED) is None:
            return
        key += _ENGAGEMENT + event.engagement_id.bytes
        known = self._db.get(key)
        if known is None or event.revision > _engagement(known).revision:
            self._db[key] = value


def _key(account_id: UUID, message_id: UUID | None) -> bytes:
    return account_id.bytes + (message_id.bytes if message_id else b"")


def _history(message: bytes, rows: list[tuple[bytes, bytes]]) -> MessageHistory | None:
    of: dict[bytes, list[bytes]] = {_WANTED: [], _SEND: [], _FACT: [], _ENGAGEMENT: []}
    for key, value in rows:
        of[key[_MESSAGE : _MESSAGE + 1]].append(value)
    if not of[_WANTED] or not of[_SEND]:
        return None
    is_whole = len(of[_FACT]) <= MOST_HITS
    return MessageHistory.model_validate(
        {
            "account_id": UUID(bytes=message[:16]),
            "message_id": UUID(bytes=message[16:]),
            "send": _send(of[_SEND][0]),
            "facts": tuple(decode(HITS.name, value) for value in of[_FACT]) if is_whole else (),
            "standing": tuple(_engagement(value) for value in of[_ENGAGEMENT]),
            "whole": is_whole,
        }
    )


def _send(value: bytes) -> SendEvent:
    event = decode(SENDS.name, value)
    assert isinstance(event, SendEvent)
    return event


def _engagement(value: bytes) -> EngagementJudged:
    event = decode(ENGAGEMENTS.name, value)
    assert isinstance(event, EngagementJudged)
    return event
