"""What `kaifu doctor` looks at for crm: its keys, its database, its settings."""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.crm.adapters.gazetteer import Gazetteer
from services.crm.adapters.relay import NotTaken, Relay
from services.crm.collaborators import Configuration, collaborate
from services.crm.model.failures import DatabaseAway
from services.crm.model.letters import Trouble
from services.crm.settings import CrmSettings
from services.crm.store.database import Database
from services.crm.store.examination import Examination
from shared.doctor.findings import Finding, doubt, fine, read_settings, wrong
from shared.doctor.keys import ring_findings

_OLD_PLACES = timedelta(days=365)
_SKEW = timedelta(seconds=2)
_RELAY = {
    Trouble.UNREACHABLE: (
        "the relay can't be reached",
        "check KAIFU_CRM_SMTP_HOST, KAIFU_CRM_SMTP_PORT and network policy",
    ),
    Trouble.NOT_SECURE: (
        "the relay offers no connection that is safe",
        "check its certificate, KAIFU_CRM_SMTP_SECURITY and KAIFU_CRM_SMTP_CA_FILE",
    ),
    Trouble.SIGN_IN: (
        "the relay does not let Kaifu sign in",
        "check KAIFU_CRM_SMTP_USER and the file that KAIFU_CRM_SMTP_PASSWORD_FILE names",
    ),
    Trouble.LATER: ("the relay asks to wait", "look again in a while; else read the relay's log"),
    Trouble.REFUSED: ("the relay refuses Kaifu", "read the relay's log"),
}


async def checks() -> AsyncIterator[Finding]:
    """Nothing where no setting of crm is set."""
    settings = read_settings(CrmSettings)
    if isinstance(settings, Finding):
        yield settings
    if not isinstance(settings, CrmSettings):
        return
    for finding in (
        *ring_findings("KAIFU_CRM_RECEIPT_KEYS", settings.receipt_keys, "receipt"),
        *_files(settings),
    ):
        yield finding
    database = Database(settings.mongodb_url.get_secret_value(), settings.database)
    try:
        collaborate(Configuration.without_keys(settings), database)
        async for finding in _database(database):
            yield finding
    finally:
        database.close()
    yield await _mail(settings)


def _files(settings: CrmSettings) -> Iterator[Finding]:
    path = settings.signing_keys
    if not path.exists():
        said = "there are none yet; crm makes them at its first start"
        yield doubt("keys KAIFU_CRM_SIGNING_KEYS", said, "if crm has run before, all must sign in again")
    elif path.stat().st_mode & 0o007:
        said = "everybody on the machine can read the signing keys"
        yield wrong("keys KAIFU_CRM_SIGNING_KEYS", said, "chmod 0600 the file that it names")
    yield _places(settings)
    if not settings.extension_ids:
        said = "any Chrome extension that a user installs may ask to sign in"
        yield doubt("extension ids", said, "set KAIFU_CRM_EXTENSION_IDS to your extension's id")


def _places(settings: CrmSettings) -> Finding:
    made = Gazetteer(settings.places).made_at()
    cure = "`make places`, or put DB-IP's city databases into the folder that KAIFU_CRM_PLACES names"
    if made is None:
        return doubt("places", "no database of cities: opens show countries only", cure)
    if datetime.now(UTC) - made > _OLD_PLACES:
        return doubt("places", f"the database of cities is of {made:%Y-%m-%d}: addresses have moved", cure)
    return fine("places", f"cities as of {made:%Y-%m-%d}")


async def _mail(settings: CrmSettings) -> Finding:
    """Connects and signs in as for a letter, and sends none."""
    if not settings.mail_set_up:
        said = "no relay: users can't add addresses, and links to choose a password are passed on by hand"
        return doubt("mail", said, "set KAIFU_CRM_SMTP_HOST and its neighbours")
    try:
        await Relay(settings).check()
    except NotTaken as refusal:
        said, cure = _RELAY[refusal.trouble]
        return wrong("mail", said, cure)
    return fine("mail", "the relay takes mail from Kaifu")


async def _database(database: Database) -> AsyncIterator[Finding]:
    examination = Examination(database)
    try:
        await database.ping()
        missing = await database.without_indexes()
    except DatabaseAway as error:
        said = f"does not answer ({error})"
        yield wrong("database", said, "start it; check KAIFU_CRM_MONGODB_URL and network policy")
        return
    except Exception as error:  # noqa: BLE001 - whatever the driver says: it is told, not raised
        said = f"refuses crm ({type(error).__name__})"
        yield wrong("database", said, "check the user and password in KAIFU_CRM_MONGODB_URL, and its roles")
        return
    yield fine("database", "answers")
    if missing:
        said = f"missing on {', '.join(missing)}"
        yield wrong("indexes", said, "run `kaifu crm migrate`")
    else:
        yield fine("indexes", "all are there")
    if await examination.takes_transactions():
        yield fine("transactions", "supported")
    else:
        said = "the server is no replica set, so it has no transactions"
        yield wrong("transactions", said, "start mongod with --replSet and rs.initiate()")
    skew = await examination.clock_ahead()
    if skew is not None and abs(skew) > _SKEW:
        said = f"the database's clock is {abs(skew).total_seconds():.0f} s off"
        yield wrong("clock", said, "let both machines follow a time server (NTP)")


def key_files() -> Mapping[str, Path]:
    """For backups. Nothing where no setting of crm is set."""
    settings = read_settings(CrmSettings)
    if not isinstance(settings, CrmSettings):
        return {}
    return {"receipts.json": settings.receipt_keys, "signing-keys.json": settings.signing_keys}
