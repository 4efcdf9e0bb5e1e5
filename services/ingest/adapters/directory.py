"""crm's directory and the broker, as the send API sees them: their failures are problems."""

import structlog

from services.ingest.adapters.broker import KafkaBroker
from services.ingest.problems import BROKER_UNAVAILABLE, DIRECTORY_UNAVAILABLE, KEY_REUSED, SENDER_NOT_OURS
from shared.bus.producer import PublishFailed
from shared.directory.client import DirectoryClient, DirectoryRefused, DirectoryUnavailable
from shared.directory.contract import Policy, PreparedMessage
from shared.events.sends import SendEvent
from shared.http.problems import NOT_SIGNED_IN, Problem, ProblemType
from shared.telemetry.tracing import KafkaHeaders

log = structlog.get_logger(__name__)
_PASSED_ON = {problem.urn: problem for problem in (SENDER_NOT_OURS, KEY_REUSED, NOT_SIGNED_IN)}


class AskedDirectory:
    """Asks crm; what it refuses for the client's sake is passed on, everything else is our trouble."""

    def __init__(self, client: DirectoryClient) -> None:
        self._client = client

    async def prepare(self, message: PreparedMessage) -> Policy:
        """Decide and record. Raises Problem."""
        try:
            return await self._client.prepare(message)
        except DirectoryUnavailable as error:
            log.warning("the directory does not answer", error=str(error))
        except DirectoryRefused as refused:
            if known := _PASSED_ON.get(refused.body.type):
                raise Problem(known, refused.body.detail, headers=_sign_in_again(known)) from None
            log.error("the directory refused us", problem=refused.body.type)
        raise Problem(DIRECTORY_UNAVAILABLE, "Send the mail untracked or try again.", headers=_soon())


class AcknowledgedSends:
    """Publishes to email.sends."""

    def __init__(self, broker: KafkaBroker) -> None:
        self._broker = broker

    async def publish(self, event: SendEvent, headers: KafkaHeaders) -> None:
        """Return once acknowledged. Raises Problem."""
        try:
            await self._broker.publish(event, headers)
        except PublishFailed as error:
            log.warning("a send could not be published", error=str(error))
            raise Problem(
                BROKER_UNAVAILABLE, "Keep the report and repeat it: that has one effect.", headers=_soon()
            ) from None


def _sign_in_again(problem: ProblemType) -> dict[str, str]:
    """RFC 6750."""
    return {"WWW-Authenticate": 'Bearer error="invalid_token"'} if problem is NOT_SIGNED_IN else {}


def _soon() -> dict[str, str]:
    return {"Retry-After": "2"}
