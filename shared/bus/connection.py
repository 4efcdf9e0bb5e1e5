"""Client options for aiokafka from the settings."""

import ssl
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.helpers import create_ssl_context

from shared.settings import KafkaSettings


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """What producers, consumers and the admin client have in common."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap,
        "security_protocol": settings.security_protocol,
    }
    if settings.security_protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": settings.sasl_password.get_secret_value(),
        }
    if settings.security_protocol.endswith("SSL"):
        options["ssl_context"] = _tls(settings)
    return options


def _tls(settings: KafkaSettings) -> ssl.SSLContext:
    context: ssl.SSLContext = create_ssl_context(cafile=str(settings.ca_file) if settings.ca_file else None)
    return context


async def cluster_epoch(settings: KafkaSettings) -> str:
    """The cluster's id: offsets and cursors of another cluster mean nothing on this one.

    The embedded broker forgets everything on restart, so it gets a fresh id at each start.
    """
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        await admin.start()
        return str((await admin.describe_cluster())["cluster_id"])
    finally:
        await admin.close()
