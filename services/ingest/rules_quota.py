"""How much one account may ask for."""

from uuid import UUID

from services.ingest.problems import TOO_MANY_REQUESTS
from shared.http.problems import Problem
from shared.quota import Quota


def admit(quota: Quota[UUID], account_id: UUID, now_s: float) -> None:
    """Take one request of the account's quota. Raises the Problem of a request that is too many."""
    wait_s = quota.wait_s(account_id, now_s)
    if wait_s > 0:
        raise Problem(
            TOO_MANY_REQUESTS,
            "Your account asks for more than its share: slow down and try again.",
            headers={"Retry-After": str(int(wait_s) + 1)},
        )
