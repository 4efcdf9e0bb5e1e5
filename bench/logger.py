"""The logger beside a bare aiokafka loop that asks the same question over HTTP and sends one event.

CPU µs of each process per sent mail, in turns. crm's directory is a stand-in, so that its database sets no
pace.
"""

from uuid import UUID

from bench import mails
from bench.load import cpu_seconds, reference
from bench.reference import bare_logger
from bench.results import Figure, figure
from bench.tracker import done, ends, kafka_settings, make_topic, publish
from deploy.local.stack import Stack
from services.logger.adapters.faust_app import GROUP
from shared.bus.producer import EventPublisher
from shared.events.catalogue import LOG_DECISIONS, SENDS
from shared.events.ids import new_id
from shared.events.sends import MessageSent
from shared.settings import KafkaSettings

SERVICES = ("logger",)
ROUNDS = 5
MAILS = 1000


async def measure(stack: Stack) -> list[Figure]:
    """`logger_vs_loop`."""
    settings, directory = (
        kafka_settings(stack, "logger"),
        stack.environment_of("logger")["KAIFU_DIRECTORY_URL"],
    )
    publisher = EventPublisher(settings, timeout_s=60.0, max_batch_bytes=262_144)
    await publisher.start()
    own, bare = [], []
    try:
        async with reference("directory", stack.ports["crm"]):
            await make_topic(settings, bare_logger.OUT)
            await _round(settings, publisher, GROUP, stack.pids["logger"])  # warms up
            for number in range(ROUNDS):
                own.append(await _round(settings, publisher, GROUP, stack.pids["logger"]))
                arguments = settings.bootstrap, settings.fetch_max_wait_ms, directory
                async with reference("bare_logger", *arguments) as loop:
                    bare.append(await _round(settings, publisher, bare_logger.GROUP, loop.pid))
                await done(settings, GROUP, SENDS)
                print(f"  logger round {number + 1}: {own[-1]:.0f} µs, loop {bare[-1]:.0f} µs")
            decided = await ends(settings, LOG_DECISIONS)
    finally:
        await publisher.stop()
    if decided != (2 * ROUNDS + 1) * MAILS:
        raise RuntimeError(f"the logger decided on {decided} mails")
    ratios = [theirs / mine for mine, theirs in zip(own, bare, strict=True)]
    note = (
        f"CPU µs per decided mail, {ROUNDS} rounds of {MAILS:,}; reference: a bare aiokafka loop with httpx "
        "that asks the same stand-in of crm's directory and sends one event"
    )
    return [figure("logger_vs_loop", "µs", own, bare, ratios, "", note)]


async def _round(settings: KafkaSettings, publisher: EventPublisher, group: str, pid: int) -> float:
    """CPU µs of the process per mail, from publishing them until all are committed."""
    sent = _sent(new_id())
    before = cpu_seconds([pid])
    await publish(publisher, settings, sent)
    await done(settings, group, SENDS)
    return (cpu_seconds([pid]) - before) / len(sent) * 1e6


def _sent(account_id: UUID) -> list[MessageSent]:
    events = mails.events(account_id, mails.prepared(MAILS))
    return [event for event in events if isinstance(event, MessageSent)]
