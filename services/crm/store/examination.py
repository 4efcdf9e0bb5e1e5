"""Whether the database is what crm needs; for `kaifu doctor`."""

from datetime import UTC, datetime, timedelta

from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

from services.crm.store.database import Database


class Examination:
    """Asks, and writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def takes_transactions(self) -> bool:
        """Whether a transaction can be begun: a single server that is no replica set has none."""
        try:
            async with (
                await self._database.whole.client.start_session() as session,
                session.start_transaction(),
            ):
                await self._database.whole["accounts"].find_one({}, session=session)
        except (OperationFailure, ConfigurationError):
            return False
        return True

    async def clock_ahead(self) -> timedelta | None:
        """How far the server's clock is ahead of this machine's; None where it does not say."""
        try:
            answer = await self._database.whole.client.admin.command("hello")
        except PyMongoError:
            return None
        at: datetime | None = answer.get("localTime")
        return None if at is None else (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)
