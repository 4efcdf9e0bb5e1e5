"""The environment that each service gets on one machine.

What the caller's environment says wins (a public tracking address, a log level), except for what
this runner itself decides: ports, folders, keys.
"""

from collections.abc import Mapping

from deploy.local.brokers import chosen
from deploy.local.database_user import DATABASE, USER
from deploy.local.home import REPOSITORY, Home
from deploy.local.ports import LOOPBACK, Ports

SERVICES = ("crm", "ingest", "tracker", "logger", "notifier")
# Of the extension as `make extension` builds it: follows from the key in its manifest.
EXTENSION_ID = "dihaiabkmnpcekcjmpkogbfcfaagkaje"


def public_addresses(ports: Ports, base: Mapping[str, str]) -> dict[str, str]:
    """PUBLIC_…: the caller's, or loopback."""
    defaults = {
        "PUBLIC_APP_URL": f"http://{LOOPBACK}:{ports['crm']}",
        "PUBLIC_API_URL": f"http://{LOOPBACK}:{ports['ingest']}",
        "PUBLIC_TRACKING_URL": f"http://{LOOPBACK}:{ports['tracking']}",
        "PUBLIC_PUSH_URL": f"ws://{LOOPBACK}:{ports['notifier']}",
    }
    return {name: base.get(name) or default for name, default in defaults.items()}


def kafka(ports: Ports) -> dict[str, str]:
    """The broker's address."""
    return {"KAIFU_KAFKA_BOOTSTRAP": f"{LOOPBACK}:{ports['broker']}"}


def mongodb_url(ports: Ports, user: str = "", password: str = "") -> str:
    """The embedded database; it names itself as a replica set of one that only it can resolve."""
    who, source = (f"{user}:{password}@", "&authSource=admin") if user else ("", "")
    return f"mongodb://{who}{LOOPBACK}:{ports['database']}/?directConnection=true{source}"


def service_environment(service: str, home: Home, ports: Ports, base: Mapping[str, str]) -> dict[str, str]:
    """All variables of one service's process, `base` (the caller's) included."""
    defaults = {
        **chosen(base).settings_of(service),
        "KAIFU_INGEST_TRUSTED_PROXIES": f"{LOOPBACK}/32",
        "KAIFU_NOTIFIER_ALLOWED_ORIGINS": f"chrome-extension://{EXTENSION_ID}",
    }
    decided = {
        **kafka(ports),
        **public_addresses(ports, base),
        **_own(service, home, ports),
        "KAIFU_OPS_HOST": LOOPBACK,
        "KAIFU_OPS_PORT": str(ports[f"ops_{service}"]),
        "PYTHONUNBUFFERED": "1",
    }
    return {**defaults, **base, **decided}


def whole_environment(home: Home, ports: Ports, base: Mapping[str, str]) -> dict[str, str]:
    """What all services get, together: for commands that look at all of them. Raises FileNotFoundError
    where there are no keys yet."""
    together: dict[str, str] = {}
    for service in SERVICES:
        together |= service_environment(service, home, ports, base)
    return together


def ops_urls(ports: Ports) -> dict[str, str]:
    """Service → base address of its probes and metrics."""
    return {service: f"http://{LOOPBACK}:{ports[f'ops_{service}']}" for service in SERVICES}


def _own(service: str, home: Home, ports: Ports) -> dict[str, str]:
    directory = {
        "KAIFU_DIRECTORY_URL": f"http://{LOOPBACK}:{ports['crm']}",
        "KAIFU_DIRECTORY_TOKEN": home.directory_token(),
    }
    match service:
        case "ingest":
            return {
                **directory,
                "KAIFU_INGEST_HOST": LOOPBACK,
                "KAIFU_INGEST_API_PORT": str(ports["ingest"]),
                "KAIFU_INGEST_TRACKING_PORT": str(ports["tracking"]),
                "KAIFU_INGEST_TRACKING_KEYS": str(home.ring("tracking")),
                "KAIFU_INGEST_RECEIPT_KEYS": str(home.ring("receipts")),
                "KAIFU_INGEST_SPOOL": str(home.spool),
            }
        case "crm":
            return {
                **directory,
                "KAIFU_CRM_HOST": LOOPBACK,
                "KAIFU_CRM_PORT": str(ports["crm"]),
                "KAIFU_CRM_MONGODB_URL": mongodb_url(ports, USER, home.database_password_file.read_text()),
                "KAIFU_CRM_DATABASE": DATABASE,
                "KAIFU_CRM_RECEIPT_KEYS": str(home.ring("receipts")),
                "KAIFU_CRM_SIGNING_KEYS": str(home.signing_keys),
                "KAIFU_CRM_WEBHOOK_HTTP_TO_LOOPBACK": "true",  # to try webhooks out
                "KAIFU_CRM_PLACES": str(REPOSITORY / ".places"),
            }
        case "tracker":
            return {**directory, "KAIFU_TRACKER_STATE": str(home.tracker)}
        case "notifier":
            return {
                "KAIFU_NOTIFIER_HOST": LOOPBACK,
                "KAIFU_NOTIFIER_PORT": str(ports["notifier"]),
                "KAIFU_NOTIFIER_CURSOR_KEYS": str(home.ring("cursors")),
            }
        case _:
            return directory
