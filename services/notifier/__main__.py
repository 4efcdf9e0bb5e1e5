"""Wiring of the notifier: the live log, replays, the reps' policies, crm's keys, the sockets."""

import asyncio
import logging
from contextlib import suppress

import httpx

from services.notifier.adapters.live import LiveLog, partition_of_user
from services.notifier.adapters.replay import Replays
from services.notifier.api import Doors, Stream, listening
from services.notifier.handlers import Hub
from services.notifier.messages import Close
from services.notifier.model import Ring, SeenEvents
from services.notifier.policy import Policies
from services.notifier.settings import NotifierSettings
from shared.auth.jwks import AccessTokenVerifier, KeysUnavailable
from shared.bus.following import TopicFollower
from shared.events.catalogue import NOTIFICATION_POLICIES
from shared.process import Runtime, run
from shared.settings import KafkaSettings, PublicAddresses
from shared.tokens.keyring import KeyRing

_KEYS = "crm's sign-in keys"
_POLICIES = "notification policies"
_FETCH_EVERY_S = 2.0


async def serve(runtime: Runtime) -> None:
    """Run until the process is asked to stop."""
    # A handshake that fails is the client's affair; failures of ours are logged where they happen.
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    settings, kafka = NotifierSettings(), KafkaSettings()
    app_url = PublicAddresses().app_url
    policies = Policies()
    hub = Hub(
        Ring(settings.ring_span_s, settings.ring_events),
        SeenEvents(settings.seen_events),
        KeyRing.load(settings.cursor_keys),
        partition_of_user,
        settings.sockets_per_user,
        policies,
    )
    follower = TopicFollower(kafka, NOTIFICATION_POLICIES, policies.apply, runtime.progress, _POLICIES)
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
        runtime.progress.lacks(_KEYS)
        doors = Doors(
            settings.origins(app_url),
            lambda: live.caught_up and follower.caught_up,
            lambda: stream.has_room,
        )
        async with listening(stream, doors, settings):
            await runtime.run_until_stopped(
                live.run(runtime.stopping),
                follower.run(runtime.stopping),
                _fetch_keys(verifier, runtime),
                _say_goodbye(hub, runtime.stopping),
            )


async def _fetch_keys(verifier: AccessTokenVerifier, runtime: Runtime) -> None:
    """Until crm has been reached once: nobody can be let in before."""
    while not verifier.ready and not runtime.stopping.is_set():
        try:
            await verifier.fetch()
        except KeysUnavailable:
            with suppress(TimeoutError):
                await asyncio.wait_for(runtime.stopping.wait(), _FETCH_EVERY_S)
    runtime.progress.has(_KEYS)
    await runtime.stopping.wait()


async def _say_goodbye(hub: Hub, stopping: asyncio.Event) -> None:
    """Tell every client to come again, elsewhere or after the restart."""
    await stopping.wait()
    hub.end_all(Close.RESTARTING)


def main() -> None:
    """`python -m services.notifier`."""
    run("notifier", serve)


if __name__ == "__main__":
    main()
