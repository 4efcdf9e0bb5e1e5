"""What `kaifu doctor` looks at for the notifier: its keys, and which extensions may connect."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

from services.notifier.settings import NotifierSettings
from shared.doctor.findings import Finding, doubt, fine, read_settings, wrong
from shared.doctor.keys import ring_findings
from shared.settings import PublicAddresses

_EXTENSION = re.compile(r"chrome-extension://[a-p]{32}")
_ORIGIN = re.compile(rf"{_EXTENSION.pattern}|https?://[^/\s]+")


async def checks() -> AsyncIterator[Finding]:
    """Nothing where no setting of the notifier is set."""
    settings = read_settings(NotifierSettings)
    if isinstance(settings, Finding):
        yield settings
    if not isinstance(settings, NotifierSettings):
        return
    for finding in ring_findings("KAIFU_NOTIFIER_CURSOR_KEYS", settings.cursor_keys, "cursor"):
        yield finding
    for finding in _origins(settings):
        yield finding


def _origins(settings: NotifierSettings) -> Iterator[Finding]:
    origins = settings.origins(PublicAddresses().app_url)
    odd = [origin for origin in origins if not _ORIGIN.fullmatch(origin)]
    if odd:
        said = f"{len(odd)} of KAIFU_NOTIFIER_ALLOWED_ORIGINS are no origins"
        yield wrong("extension origins", said, "write chrome-extension://<32 letters from a to p>")
    elif not any(_EXTENSION.fullmatch(origin) for origin in origins):
        said = "no Chrome extension may connect: reps get no pop-ups"
        cure = (
            "add chrome-extension://<id> to KAIFU_NOTIFIER_ALLOWED_ORIGINS; the id is on chrome://extensions"
        )
        yield doubt("extension origins", said, cure)
    else:
        yield fine("extension origins", "the extension may connect")


def key_files() -> Mapping[str, Path]:
    """For backups. Nothing where no setting of the notifier is set."""
    settings = read_settings(NotifierSettings)
    if not isinstance(settings, NotifierSettings):
        return {}
    return {"cursors.json": settings.cursor_keys}
