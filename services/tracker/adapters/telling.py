"""From records to what is published: decode, fold, encode, in one pass over a batch."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import structlog
from opentelemetry.trace import SpanKind

from services.tracker import handlers
from services.tracker.adapters.rebuild import Held
from services.tracker.model import Change
from services.tracker.outputs import events_of
from services.tracker.relations import Relations
from services.tracker.revocations import Revocations
from shared.bus.partitions import partition_of
from shared.bus.producer import Place, RawRecord
from shared.events.base import Event
from shared.events.catalogue import ENGAGEMENTS, HITS, topic_of
from shared.events.codec import UndecodableEvent, decode, encode
from shared.telemetry.names import EVENTS_CONSUMED, VERDICTS
from shared.telemetry.tracing import KafkaHeaders, context_from_kafka, is_sampled, kafka_headers, span

log = structlog.get_logger(__name__)


class Telling:
    """The effects of one batch: records to publish, by place, and messages to set aside, with reasons."""

    def __init__(self, partitions: int, relations: Relations) -> None:
        self._partitions = partitions
        self._relations = relations
        self.records: defaultdict[Place, list[RawRecord]] = defaultdict(list)
        self.aside: list[tuple[Any, str]] = []
        self._verdicts: Counter[tuple[str, str]] = Counter()

    def take(self, held: Held, revocations: Revocations, records: Sequence[Any], now: datetime) -> None:
        """Fold the records of one partition of a topic, in their order."""
        for record in records:
            if record.topic == HITS.name:
                held.shard.reading = record.offset
            event = self._decoded(record)
            if event is not None:
                self._handle(held, revocations, record, event, now)
        held.positions[records[-1].topic] = records[-1].offset + 1

    def release(self, held: Held, revocations: Revocations, now: datetime) -> bool:
        """Tell what was held and is due; whether any hold has ended, told or not."""
        is_due = held.shard.next_due is not None and held.shard.next_due <= now
        for change in handlers.released(held.shard, revocations, now):
            self._tell(change, held, ())
        return is_due

    def measure(self, consumed: Mapping[str, int]) -> None:
        """Count what was done, once it is done."""
        for topic, count in consumed.items():
            EVENTS_CONSUMED.labels(topic).inc(count)
        for (verdict, kind), count in self._verdicts.items():
            VERDICTS.labels(verdict, kind).inc(count)

    def _decoded(self, record: Any) -> Event | None:
        try:
            return decode(record.topic, record.value)
        except UndecodableEvent as error:
            self.aside.append((record, f"undecodable: {error.reason}"))
            return None

    def _handle(self, held: Held, revocations: Revocations, record: Any, event: Event, now: datetime) -> None:
        try:
            if not record.headers or not is_sampled(record.headers):
                self._fold(held, revocations, event, now, ())
                return
            with _judging(record, event) as headers:
                self._fold(held, revocations, event, now, headers)
        except Exception as error:
            log.exception("a message failed", topic=record.topic)
            self.aside.append((record, f"handler-failed: {type(error).__name__}"))

    def _fold(
        self, held: Held, revocations: Revocations, event: Event, now: datetime, headers: KafkaHeaders
    ) -> None:
        for change in handlers.handle(held.shard, revocations, event, now, again=False):
            self._tell(change, held, headers)
        relates = held.shard.rules.relates
        for judged in held.shard.take_judged():
            for related in self._relations.note(judged, now) if relates else ():
                key = related.key().encode()
                place = HITS.name, partition_of(key, self._partitions)
                self.records[place].append((key, encode(related), headers))

    def _tell(self, change: Change, held: Held, headers: KafkaHeaders) -> None:
        self._verdicts[change.judgement.finding.verdict, change.judgement.kind] += 1
        for event in events_of(change, held.shard.rules.version):
            topic, key = topic_of(event).name, event.key().encode()
            # the topics of a message share key, partitioner and number of partitions
            partition = held.number if topic == ENGAGEMENTS.name else partition_of(key, self._partitions)
            self.records[topic, partition].append((key, encode(event), headers))


@contextmanager
def _judging(record: Any, event: Event) -> Iterator[KafkaHeaders]:
    """Headers that continue the trace of the record."""
    parent = context_from_kafka(record.headers)
    with span("judge", kind=SpanKind.CONSUMER, parent=parent, event_id=str(event.event_id)):
        yield kafka_headers()
