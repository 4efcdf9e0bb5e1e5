"""Whether a rep is told of a refused log. Pure. What decides on the log itself is `shared.log_rules`."""

from datetime import datetime, timedelta

from shared.directory.contract import LogInputs
from shared.events.log_decisions import LogOutcome, Reason
from shared.events.sends import MessageSent
from shared.log_rules.decision import Decision

_TELL_WITHIN = timedelta(days=1)


def refused(inputs: LogInputs, decision: Decision) -> bool:
    """Whether the rep asked for a log and got none. Ticking no record is the rep's own choice."""
    own_choice = decision.reasons == (Reason(rule="nothing-ticked"),)
    return inputs.log_asked and decision.outcome is LogOutcome.NOT_LOGGED and not own_choice


def still_news(sent: MessageSent, now: datetime) -> bool:
    """Whether a pop-up on this mail still makes sense: a restored topic brings years of old mail back.

    A mail that was queued on an offline computer is prepared late, so either time may be recent.
    """
    return now - max(sent.occurred_at, sent.prepared_at) <= _TELL_WITHIN
