"""The logging rules alone: decisions a second of one core, beside writing down what they read."""

import time
from collections.abc import Callable, Sequence

from bench.results import Figure, figure
from shared.directory.contract import LogInputs, RecipientInput, TickedRecord
from shared.events.ids import new_id
from shared.events.log_decisions import RecordType
from shared.log_rules.engine import decide

ROUNDS = 7
MAILS = 5_000
_KINDS = (RecordType.CONTACT, RecordType.COMPANY, RecordType.DEAL, RecordType.TICKET)


def measure() -> list[Figure]:
    """`decisions_us`: CPU µs per decision on a mail to three, one of them listed, ticked on four records."""
    mails = [_mail() for _ in range(MAILS)]
    decided, written = [], []
    for _ in range(ROUNDS):
        decided.append(_us_each(decide, mails))
        written.append(_us_each(LogInputs.model_dump_json, mails))
    note = (
        f"CPU µs per decision, {ROUNDS} rounds of {MAILS:,}; "
        f"{1e6 / sorted(decided)[ROUNDS // 2]:,.0f} a second; reference: its inputs as JSON"
    )
    ratios = [bare / own for own, bare in zip(decided, written, strict=True)]
    return [figure("decisions_us", "µs", decided, written, ratios, "", note)]


def _us_each(work: Callable[[LogInputs], object], mails: Sequence[LogInputs]) -> float:
    before = time.process_time()
    for mail in mails:
        work(mail)
    return (time.process_time() - before) / len(mails) * 1e6


def _mail() -> LogInputs:
    contacts = [new_id() for _ in range(3)]
    return LogInputs(
        message_id=new_id(),
        account_id=new_id(),
        user_id=new_id(),
        sender_is_ours=True,
        log_asked=True,
        account_logging=True,
        recipients=tuple(
            RecipientInput(slot=slot, contact_id=contact, never_logged_by=None if slot else new_id())
            for slot, contact in enumerate(contacts)
        ),
        ticked=tuple(
            TickedRecord(record_type=kind, record_id=contacts[1] if not at else new_id(), exists=True)
            for at, kind in enumerate(_KINDS)
        ),
    )
