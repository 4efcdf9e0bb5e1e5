"""What a rep wants to come up (B8): kept here, published for the notifier, which decides by it."""

from datetime import datetime

from services.crm.application.clock import Clock
from services.crm.model.accounts import User
from services.crm.model.notification_policies import NotificationPolicy
from services.crm.rules.notification_policies import policy_event
from services.crm.store.accounts import Users
from services.crm.store.database import Database, Session
from services.crm.store.notification_policies import PolicyStore
from shared.auth.tokens import SignedIn
from shared.http.problems import NOT_SIGNED_IN, Problem


class NotificationPolicies:
    """Each user's own."""

    def __init__(self, database: Database, users: Users, policies: PolicyStore, clock: Clock) -> None:
        self._database = database
        self._users = users
        self._policies = policies
        self._clock = clock

    async def get(self, who: SignedIn) -> NotificationPolicy:
        """The policy; everything comes up for whoever has set none."""
        return await self._policies.get(who.account_id, who.user_id)

    async def change(self, who: SignedIn, wanted: NotificationPolicy) -> NotificationPolicy:
        """Another policy, whatever `version` is given. It acts within a second. Problem 401."""
        now = self._clock()

        async def body(session: Session) -> NotificationPolicy:
            user = await self._users.get(who.account_id, who.user_id, session)
            if user is None:
                raise Problem(NOT_SIGNED_IN, "This user can't sign in any more.")
            before = await self._policies.get(who.account_id, who.user_id, session)
            same = wanted.model_copy(update={"version": before.version})
            return before if same == before else await self._say(user, same, now, session)

        return await self._database.in_transaction(body)

    async def zone_changed(self, user: User, session: Session) -> None:
        """The user's clocks show another time now. Part of that change."""
        policy = await self._policies.get(user.account_id, user.id, session)
        if policy.version:
            await self._say(user, policy, self._clock(), session)

    async def _say(
        self, user: User, policy: NotificationPolicy, now: datetime, session: Session
    ) -> NotificationPolicy:
        said = policy.model_copy(update={"version": policy.version + 1})
        event = policy_event(user, said, now)
        await self._policies.put(user.account_id, user.id, said, event, session)
        return said
