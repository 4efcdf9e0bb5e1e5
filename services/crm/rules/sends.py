"""The state of a message as a fold of its send events, whatever their order."""

from services.crm.model.messages import Message, MessageState
from services.crm.rules.times import to_milliseconds
from shared.events.sends import MessageCancelled, MessageScheduled, MessageSent, SendEvent

_STATE = {
    MessageScheduled: MessageState.SCHEDULED,
    MessageCancelled: MessageState.CANCELLED,
    MessageSent: MessageState.SENT,
}


def newer(event: SendEvent, than: SendEvent | None) -> bool:
    """Whether the event overrules the other; a total order, so every delivery order ends alike.

    Of sent and cancelled the later one counts: a mail is called off after it was sent (Undo), or sent after
    all. A mail that was scheduled is either in the end, whatever the times.
    """
    return than is None or _standing(event) > _standing(than)


def _standing(event: SendEvent) -> tuple[bool, float, bool, str]:
    final, is_sent = not isinstance(event, MessageScheduled), isinstance(event, MessageSent)
    return final, event.occurred_at.timestamp(), is_sent, event.model_dump_json()


def with_send(message: Message, event: SendEvent) -> Message:
    """The message after an event that overrules what was known."""
    known: dict[str, object] = {
        "state": _STATE[type(event)],
        "last_send": event.model_dump_json(),
        "sent_at": to_milliseconds(event.occurred_at) if isinstance(event, MessageSent) else None,
        "send_at": to_milliseconds(event.send_at) if isinstance(event, MessageScheduled) else None,
    }
    if message.draft is None:
        known |= {"tracked": event.tracked, "anonymous": event.anonymous}
    return message.model_copy(update=known)
