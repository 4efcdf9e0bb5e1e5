"""What users change of themselves: name, language, time zone, password."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from services.crm.application.notification_policies import NotificationPolicies
from services.crm.application.sign_ins import SignIns
from services.crm.model.accounts import User
from services.crm.model.sign_ins import Credentials
from services.crm.rules.addresses import fold
from services.crm.rules.passwords import SHORTEST, acceptable
from services.crm.store.accounts import Users
from services.crm.store.database import Database, Session
from shared.auth.tokens import SignedIn
from shared.http.problems import INVALID, Problem

LOCALES = ("en", "ja")


class Profiles:
    """Each user's own."""

    def __init__(
        self, database: Database, users: Users, sign_ins: SignIns, policies: NotificationPolicies
    ) -> None:
        self._database = database
        self._users = users
        self._sign_ins = sign_ins
        self._policies = policies

    async def change(self, who: SignedIn, fields: Mapping[str, Any]) -> User:
        """Change `name`, `locale`, `time_zone`. Problem 401, 422 (a zone or language that there is not)."""
        if fields.get("locale", LOCALES[0]) not in LOCALES:
            raise Problem(INVALID, f"Languages are {', '.join(LOCALES)}.")
        if fields.get("time_zone", "UTC") not in available_timezones():
            raise Problem(INVALID, "Name a time zone of the IANA database, e.g. Asia/Tokyo.")
        before = await self._sign_ins.user(who.account_id, who.user_id)

        async def body(session: Session) -> None:
            await self._users.change(who.account_id, who.user_id, fields, session)
            if "time_zone" in fields:  # the quiet hours go by it
                await self._policies.zone_changed(before.model_copy(update=dict(fields)), session)

        await self._database.in_transaction(body)
        return await self._sign_ins.user(who.account_id, who.user_id)

    async def change_password(self, who: SignedIn, old: str, new: str, client_address: str) -> None:
        """Another password; all sign-ins of the user end. Problem 401 (the old one is wrong), 422, 429."""
        if not acceptable(new):
            raise Problem(INVALID, f"A password has at least {SHORTEST} characters.")
        user = await self._sign_ins.user(who.account_id, who.user_id)
        await self._sign_ins.identify(user.address, old, client_address)
        credentials = Credentials(
            name=fold(user.address), account_id=user.account_id, user_id=user.id, password_hash=""
        )
        await self._sign_ins.set_password(credentials, new)
