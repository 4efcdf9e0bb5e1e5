"""How right verdicts are, in numbers: a rep sees their own mail's, a super admin the account's."""

from datetime import date

from services.crm.application.roles import Roles
from services.crm.model.accuracy import Accuracy
from services.crm.rules.accuracy import MOST_DAYS, accuracy
from services.crm.store.accuracy import VerdictCounts
from shared.auth.tokens import SignedIn
from shared.http.problems import INVALID, Problem


class AccuracyBook:
    """Reads of the counts."""

    def __init__(self, counts: VerdictCounts, roles: Roles) -> None:
        self._counts = counts
        self._roles = roles

    async def of(self, who: SignedIn, first: date, last: date) -> Accuracy:
        """Both UTC days and all between. Problem 422: none, or more than 366."""
        if not 0 < (last - first).days + 1 <= MOST_DAYS:
            raise Problem(INVALID, f"Ask for 1 to {MOST_DAYS} days, the earlier one first.")
        whole = await self._roles.is_super_admin(who)
        counts = await self._counts.days(who.account_id, None if whole else who.user_id, first, last)
        return accuracy(counts, first, last, whole_account=whole)
