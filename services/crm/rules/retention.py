"""What goes when its time is over: a mail's body and attachments, never that it was sent, logged, opened."""

from calendar import monthrange
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.crm.model.attachments import LeftOut
from services.crm.rules.files import MessageFile, Rewrite, difference
from services.crm.rules.uploads import Fate

LONGEST_MONTHS = 240


def months_before(now: datetime, months: int) -> datetime:
    """The same time so many months ago; the last day of that month where it has fewer."""
    count = now.year * 12 + now.month - 1 - months
    year, month = divmod(count, 12)
    return now.replace(year=year, month=month + 1, day=min(now.day, monthrange(year, month + 1)[1]))


def emptied(account_id: UUID, before: MessageFile) -> Rewrite:
    """What to write so that nothing is left of the mail's content; its attachments are still named."""
    attachments = tuple(
        one.model_copy(update={"file_id": None, "reason": LeftOut.TOO_OLD}) if one.file_id else one
        for one in before.message.attachments
    )
    without = {"has_body": False, "attachments": attachments}
    after = replace(before, message=before.message.model_copy(update=without))
    body = Rewrite(bodies=((before.message.id, Fate.DISCARDED),))
    return difference(account_id, before, after, ()) + body
