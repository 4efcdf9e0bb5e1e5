"""`python -m services.crm`: the wiring."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from services.crm.adapters.consumers import archive_consumer, message_consumer
from services.crm.adapters.counting import count_until
from services.crm.adapters.outbox import PUBLISH_TIMEOUT_S, OutboxPublisher
from services.crm.adapters.postman import deliver_until
from services.crm.adapters.relay import Relay
from services.crm.adapters.restore import EpochKeeper
from services.crm.adapters.retainer import retain_until
from services.crm.adapters.reviewer import MUTES_LOOP, review_until
from services.crm.adapters.signing_keys import load_or_create
from services.crm.adapters.sweeper import sweep_until
from services.crm.adapters.webhook_courier import carry_until
from services.crm.adapters.webhook_sender import WebhookSender
from services.crm.app import create_app
from services.crm.collaborators import Collaborators, Configuration, collaborate
from services.crm.settings import CrmSettings
from services.crm.store.database import Database
from services.crm.web.letters import LetterWriter
from shared.bus.producer import EventPublisher
from shared.directory.client import DirectorySettings
from shared.http.server import quiet_server
from shared.process import Runtime, run
from shared.settings import KafkaSettings, PublicAddresses
from shared.tokens.keyring import KeyRing


def configured() -> Configuration:
    """The environment and the keys. Raises KeyRingUnreadable, SigningKeysUnreadable."""
    settings = CrmSettings()
    return Configuration(
        settings=settings,
        addresses=PublicAddresses(),
        directory=DirectorySettings(),
        signing_keys=load_or_create(settings.signing_keys),
        receipts=KeyRing.load(settings.receipt_keys),
    )


async def serve(runtime: Runtime) -> None:
    """Everything, until the process is asked to stop."""
    configuration, kafka = configured(), KafkaSettings()
    settings = configuration.settings
    database = Database(settings.mongodb_url.get_secret_value(), settings.database)
    crm = collaborate(configuration, database)
    publisher = EventPublisher(kafka)
    outbox_publisher = EventPublisher(kafka, timeout_s=PUBLISH_TIMEOUT_S)
    keeper = EpochKeeper(kafka, crm.stores.upkeep, publisher, runtime.progress)
    messages = message_consumer(kafka, crm.stores.messages, publisher, runtime.progress)
    kept = timedelta(days=settings.hits_kept_days)
    archive = archive_consumer(kafka, crm.stores.hits, kept, publisher, runtime.progress)
    sender = WebhookSender(settings.webhook_reach)
    outbox = OutboxPublisher(crm.stores.queue, outbox_publisher, database.committed, runtime.progress)
    try:
        await asyncio.to_thread(crm.gazetteer.open)
        await database.prepare()
        await publisher.start()
        await outbox_publisher.start()
        await keeper.begin()
        await runtime.run_until_stopped(
            _serve_http(runtime, crm),
            messages.run(runtime.stopping),
            archive.run(runtime.stopping),
            outbox.run(runtime.stopping),
            keeper.watch(runtime.stopping),
            sweep_until(runtime.stopping, crm.attachments),
            review_until(runtime.stopping, crm.privacy, runtime.progress),
            review_until(runtime.stopping, crm.mutes, runtime.progress, MUTES_LOOP),
            retain_until(runtime.stopping, crm.retention, runtime.progress),
            carry_until(runtime.stopping, crm.webhook_post, sender, runtime.progress),
            count_until(runtime.stopping, crm.stores.counting),
            *_delivery(runtime, crm),
        )
    finally:
        await publisher.stop()
        await outbox_publisher.stop()
        await sender.close()
        database.close()


def _delivery(runtime: Runtime, crm: Collaborators) -> list[Coroutine[Any, Any, None]]:
    """Of Kaifu's own mail, where there is a relay."""
    settings = crm.configuration.settings
    if not settings.mail_set_up:
        return []
    return [deliver_until(runtime.stopping, crm.post, LetterWriter(), Relay(settings), runtime.progress)]


async def _serve_http(runtime: Runtime, crm: Collaborators) -> None:
    settings = crm.configuration.settings
    server = quiet_server(create_app(crm), settings.host, settings.port, proxy_headers=False, ws="none")
    await runtime.serve(server)


if __name__ == "__main__":
    run("crm", serve)
