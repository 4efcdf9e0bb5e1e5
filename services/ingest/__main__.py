"""Wiring of ingest: `python -m services.ingest`."""

import gc
import time
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import httpx

from services.ingest.adapters.broker import KafkaBroker
from services.ingest.adapters.directory import AcknowledgedSends, AskedDirectory
from services.ingest.adapters.http import TrackingListener
from services.ingest.adapters.spool import FileSpool
from services.ingest.api import create_api
from services.ingest.durability import Recorder
from services.ingest.handlers import SendApi
from services.ingest.revoked import Revoked
from services.ingest.rules_address import ClientAddresses
from services.ingest.rules_quota import admit
from services.ingest.settings import IngestSettings
from services.ingest.tracking import TrackingOrigin
from shared.auth.bearer import signed_in
from shared.auth.jwks import AccessTokenVerifier
from shared.auth.scopes import Scope
from shared.bus.following import TopicFollower
from shared.directory.client import DirectoryClient, DirectorySettings
from shared.events.catalogue import REVOCATIONS
from shared.http.server import QuietServer, quiet_server
from shared.process import Runtime, run
from shared.quota import Quota
from shared.settings import KafkaSettings, PublicAddresses
from shared.tokens.keyring import KeyRing

_FINISH_WITHIN_S = 5.0
_API_CONNECTIONS = 1000  # of the send API; more get 503


async def _serve(runtime: Runtime) -> None:
    settings, kafka = IngestSettings(), KafkaSettings()
    tracking_ring = KeyRing.load(settings.tracking_keys)
    spool = FileSpool(settings.spool, settings.spool_max_bytes)
    broker = KafkaBroker(kafka, timeout_ms=settings.broker_timeout_ms)
    recorder = Recorder(broker, spool, runtime.progress, within_s=settings.acknowledged_within_ms / 1000)
    revoked = Revoked()
    addresses = ClientAddresses(settings.trusted_proxies, direct=settings.direct_clients)
    listener = TrackingListener(
        TrackingOrigin(tracking_ring, revoked, Quota(settings.token_hits_per_s, settings.token_hits_burst)),
        addresses,
        recorder.submit,
        max_connections=settings.max_connections,
    )
    follower = TopicFollower(kafka, REVOCATIONS, revoked.apply, runtime.progress, "revocations")
    gc.freeze()  # what the start has made stays: the collector need not walk it between requests
    await spool.start()  # the first await: by now readiness waits for every loop
    async with httpx.AsyncClient() as http:
        try:
            await runtime.run_until_stopped(
                broker.run(runtime.stopping),
                recorder.run(runtime.stopping),
                follower.run(runtime.stopping),
                listener.sweep(runtime.stopping),
                runtime.serve(_tracking_server(settings, listener)),
                runtime.serve(
                    _api_server(settings, http, broker, recorder, tracking_ring, revoked, addresses)
                ),
            )
        finally:
            await recorder.finish(_FINISH_WITHIN_S)
            await broker.stop()
            await spool.stop()


def _tracking_server(settings: IngestSettings, listener: TrackingListener) -> QuietServer:
    """uvicorn only for the sockets' life: the protocol answers by itself and calls no application."""
    return quiet_server(
        listener, settings.host, settings.tracking_port, http=listener.protocol, interface="asgi3", ws="none"
    )


def _api_server(
    settings: IngestSettings,
    http: httpx.AsyncClient,
    broker: KafkaBroker,
    recorder: Recorder,
    tracking_ring: KeyRing,
    revoked: Revoked,
    addresses: ClientAddresses,
) -> QuietServer:
    public = PublicAddresses()
    jwks_url = settings.jwks_url or f"{public.app_url.rstrip('/')}/.well-known/jwks.json"
    verifier = AccessTokenVerifier(http, jwks_url, public.app_url)
    quota: Quota[UUID] = Quota(settings.account_requests_per_s, settings.account_requests_burst)

    use_cases = SendApi(
        AskedDirectory(DirectoryClient(DirectorySettings(), http)),
        AcknowledgedSends(broker),
        recorder,
        tracking_ring,
        KeyRing.load(settings.receipt_keys),
        public.tracking_url,
        revoked,
        lambda: datetime.now(UTC),
    )
    app = create_api(
        use_cases,
        partial(signed_in, verifier, scopes=(Scope.MAIL_WRITE,)),
        lambda who: admit(quota, who.account_id, time.monotonic()),
        addresses,
    )
    return quiet_server(
        app,
        settings.host,
        settings.api_port,
        proxy_headers=False,  # ours believes only the configured proxies
        most_connections=_API_CONNECTIONS,
        ws="none",
    )


if __name__ == "__main__":
    run("ingest", _serve)
