"""What a role lets its bearer do, by what the user's role is now: an access token may be older."""

from services.crm.store.accounts import Users
from services.crm.store.database import Session
from shared.auth.tokens import Role, SignedIn
from shared.http.problems import FORBIDDEN, Problem


class Roles:
    """Asked before anything that not everybody may do."""

    def __init__(self, users: Users) -> None:
        self._users = users

    async def need_super_admin(self, who: SignedIn, session: Session | None = None) -> None:
        """Problem 403 for all others, and for who was one when the token was issued (A1)."""
        if not await self.is_super_admin(who, session):
            raise Problem(FORBIDDEN, "Only a super admin sees and changes this.")

    async def is_super_admin(self, who: SignedIn, session: Session | None = None) -> bool:
        """Whether they still are."""
        if who.role is not Role.SUPER_ADMIN:
            return False
        user = await self._users.get(who.account_id, who.user_id, session)
        return user is not None and not user.disabled and user.role is Role.SUPER_ADMIN
