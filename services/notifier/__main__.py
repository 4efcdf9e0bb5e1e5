"""Wiring of the notifier: the live log, replays, crm's keys, the sockets."""

import asyncio
import logging

import httpx

from services.notifier.adapters.live import LiveLog, partition_of_user
from services.notifier.adapters.replay import Replays
from services.notifier.api import Doors, Stream, listening
from services.notifier.handlers import Hub
from services.notifier.messages import Close
from services.notifier.model import Ring, SeenEvents
from services.notifier.settings import NotifierSettings
from shared.auth.jwks import AccessTokenVerifier
from shared.process import Runtime, run
from shared.settings import KafkaSettings, PublicAddresses
from shared.tokens.keyring import KeyRing


async def serve(runtime: Runtime) -> None:
    """Run until the process is asked to stop."""
    # A handshake that fails is the client's affair; failures of ours are logged where they happen.
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    settings, kafka = NotifierSettings(), KafkaSettings()
    app_url = PublicAddresses().app_url
    hub = Hub(
        Ring(settings.ring_span_s, settings.ring_events),
        SeenEvents(settings.seen_events),
        KeyRing.load(settings.cursor_keys),
        partition_of_user,
        settings.sockets_per_user,
    )
    live = LiveLog(
        kafka,
        hub,
        runtime.progress,
        span_s=settings.ring_span_s,
        look_interval_s=settings.look_interval_s,
    )
    replays = Replays(
        kafka,
        records=settings.replay_records,
        events=settings.replay_events,
        deadline_s=settings.replay_deadline_s,
        at_once=settings.replays_at_once,
    )
    async with httpx.AsyncClient() as http:
        verifier = AccessTokenVerifier(http, settings.keys_address(app_url), issuer=app_url)
        stream = Stream(hub, verifier, replays.read, settings)
        doors = Doors(settings.origins(app_url), lambda: live.caught_up, lambda: stream.has_room)
        async with listening(stream, doors, settings):
            await runtime.run_until_stopped(live.run(runtime.stopping), _say_goodbye(hub, runtime.stopping))


async def _say_goodbye(hub: Hub, stopping: asyncio.Event) -> None:
    """Tell every client to come again, elsewhere or after the restart."""
    await stopping.wait()
    hub.end_all(Close.RESTARTING)


def main() -> None:
    """`python -m services.notifier`."""
    run("notifier", serve)


if __name__ == "__main__":
    main()
