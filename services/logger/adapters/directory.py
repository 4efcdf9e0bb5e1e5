"""crm's directory in the words of a consumer: away, or does not know the message."""

from uuid import UUID

from shared.bus.consumer import RetryLater
from shared.bus.dead_letters import InvalidMessage
from shared.directory.client import DirectoryClient, DirectoryRefused, DirectoryUnavailable
from shared.directory.contract import LogInputs

_NOT_FOUND = 404
_ITS_OWN_FAULT = (400, 404, 422)  # another status (401, 403, 429) is about us, not about the message


class LogDirectory:
    """Asks crm what the logging rules read."""

    def __init__(self, client: DirectoryClient) -> None:
        self._client = client

    async def log_inputs(self, account_id: UUID, message_id: UUID) -> LogInputs:
        """Raises RetryLater, InvalidMessage `unknown-message` or `directory-refused`."""
        try:
            return await self._client.log_inputs(account_id, message_id)
        except DirectoryUnavailable as error:
            raise RetryLater(f"directory: {error}") from None
        except DirectoryRefused as error:
            if error.body.status not in _ITS_OWN_FAULT:
                raise RetryLater(f"directory: status {error.body.status}") from None
            reason = "unknown-message" if error.body.status == _NOT_FOUND else "directory-refused"
            raise InvalidMessage(reason) from None
