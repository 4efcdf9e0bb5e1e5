"""What `kaifu doctor` looks at for ingest: its keys, its spool, who stands in front."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

from services.ingest.settings import IngestSettings
from shared.doctor.findings import Finding, doubt, fine, read_settings, wrong
from shared.doctor.keys import ring_findings


async def checks() -> AsyncIterator[Finding]:
    """Nothing where no setting of ingest is set."""
    settings = read_settings(IngestSettings)
    if isinstance(settings, Finding):
        yield settings
    if not isinstance(settings, IngestSettings):
        return
    for finding in (
        *ring_findings("KAIFU_INGEST_TRACKING_KEYS", settings.tracking_keys, "tracking"),
        *ring_findings("KAIFU_INGEST_RECEIPT_KEYS", settings.receipt_keys, "receipt"),
        *_spool(settings),
        *_clients(settings),
    ):
        yield finding


def _spool(settings: IngestSettings) -> Iterator[Finding]:
    if settings.spool.is_dir() and os.access(settings.spool, os.W_OK | os.X_OK):
        yield fine("spool", "the folder takes writes")
    else:
        cure = "mount the volume that KAIFU_INGEST_SPOOL names, writable for ingest's user"
        yield wrong("spool", "the folder is not there or takes no writes", cure)


def _clients(settings: IngestSettings) -> Iterator[Finding]:
    if settings.trusted_proxies or settings.direct_clients:
        yield fine("client addresses", "known")
    else:
        said = "unknown: no proxy is trusted, so rules that read addresses are off, and opens have no place"
        yield doubt("client addresses", said, "name the proxy in front in KAIFU_INGEST_TRUSTED_PROXIES")


def key_files() -> Mapping[str, Path]:
    """For backups. Nothing where no setting of ingest is set."""
    settings = read_settings(IngestSettings)
    if not isinstance(settings, IngestSettings):
        return {}
    return {"tracking.json": settings.tracking_keys, "receipts.json": settings.receipt_keys}
