"""Wiring of the logger: broker, crm's directory, the agent."""

import logging
from collections.abc import Iterable
from functools import partial

import httpx

from services.logger.adapters.directory import LogDirectory
from services.logger.adapters.faust_app import GROUP, LoggerApp
from services.logger.adapters.stream import SendStream
from services.logger.handlers import SendHandler
from services.logger.settings import LoggerSettings
from shared.bus.connection import cluster_epoch
from shared.bus.dead_letters import DeadLetters
from shared.bus.producer import EventPublisher
from shared.directory.client import DirectoryClient, DirectorySettings
from shared.events.base import Event
from shared.process import Runtime, run
from shared.settings import KafkaSettings


async def serve(runtime: Runtime) -> None:
    """Run until the process is asked to stop."""
    for chatty in ("faust", "mode"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    settings = LoggerSettings()
    kafka = KafkaSettings()
    publisher = EventPublisher(kafka)

    async def publish(events: Iterable[Event]) -> None:
        await publisher.publish_all((event, None) for event in events)

    async with httpx.AsyncClient() as http:
        directory = LogDirectory(DirectoryClient(DirectorySettings(), http))
        await publisher.start()
        try:
            stream = SendStream(
                LoggerApp(kafka, settings),
                SendHandler(directory, publish),
                DeadLetters(publisher, GROUP),
                runtime.progress,
                partial(cluster_epoch, kafka),
                settings.look_interval_s,
            )
            await stream.run(runtime.stopping)
        finally:
            await publisher.stop()


def main() -> None:
    """`python -m services.logger`."""
    run("logger", serve)


if __name__ == "__main__":
    main()
