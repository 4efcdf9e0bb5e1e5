"""Wiring of the tracker: broker, cache, the loop beside the reader of revocations."""

from services.tracker.adapters.cache import SendCache
from services.tracker.adapters.loop import LOOP, TrackerLoop
from services.tracker.adapters.revocations import REVOCATIONS_LOOP, RevocationReader
from services.tracker.revocations import Revocations
from services.tracker.settings import TrackerSettings
from shared.bus.connection import cluster_epoch
from shared.bus.producer import EventPublisher
from shared.process import Runtime, run
from shared.settings import KafkaSettings

_BATCH_BYTES = 262_144  # some 300 engagements a request; one request per partition is in flight


async def serve(runtime: Runtime) -> None:
    """Run until the process is asked to stop."""
    for name in (LOOP, REVOCATIONS_LOOP):  # before anything is waited for: not ready until both have said so
        runtime.progress.expect(name)
    settings, kafka = TrackerSettings(), KafkaSettings()
    cache = SendCache(settings.state, await cluster_epoch(kafka))
    revocations = Revocations()
    publisher = EventPublisher(kafka, max_batch_bytes=_BATCH_BYTES)
    try:
        await publisher.start()
        reader = RevocationReader(kafka, revocations, runtime.progress)
        loop = TrackerLoop(kafka, settings, cache, revocations, reader, publisher, runtime.progress)
        await runtime.run_until_stopped(reader.run(runtime.stopping), loop.run(runtime.stopping))
    finally:
        await publisher.stop()
        cache.close()


def main() -> None:
    """`python -m services.tracker`."""
    run("tracker", serve)


if __name__ == "__main__":
    main()
