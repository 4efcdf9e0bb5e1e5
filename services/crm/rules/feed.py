"""The feed's row of a message (T3)."""

from services.crm.model.messages import FeedLink, FeedRecipient, FeedRow, FeedState, Message, MessageState
from services.crm.rules.places import place


def feed_place(message: Message) -> str | None:
    """Where the message stands in its rep's feed; None while it has no row (unsent or untracked)."""
    if message.state is not MessageState.SENT or message.sent_at is None or not message.tracked:
        return None
    return place(message.sent_at, message.id)


def feed_row(message: Message) -> FeedRow | None:
    """The row, or None. A mail known from events alone has no subject and no recipients."""
    if feed_place(message) is None or message.sent_at is None:
        return None
    tally, draft = message.tally, message.draft
    opened = tally.first_open_at is not None
    return FeedRow(
        message_id=message.id,
        subject=draft.subject if draft else "",
        recipients=tuple(
            FeedRecipient(slot=to.slot, name=to.name, address=to.address, contact_id=to.contact_id)
            for to in (draft.recipients if draft else ())
        ),
        state=FeedState.OPENED if opened else FeedState.SENT,
        possible_open=not opened and tally.possible_open_at is not None,
        anonymous=message.anonymous,
        sent_at=message.sent_at,
        first_open_at=tally.first_open_at,
        last_open_at=tally.last_open_at,
        opens=tally.opens,
        clicks=tally.clicks,
        last_verdict=tally.last_verdict,
        last_evidence=tally.last_evidence,
        links=tuple(
            FeedLink(index=index, url=url, clicks=tally.link_clicks.get(str(index), 0))
            for index, url in enumerate(draft.links if draft else ())
        ),
    )
