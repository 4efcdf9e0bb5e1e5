"""What webhooks tell of a mail, and where they may go (A6, B9)."""

import json
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from services.crm.model.messages import MessageRecipient
from services.crm.model.webhooks import Message, WebhookType
from services.crm.rules.files import MessageFile, Rewrite, deleted, difference, folded, met, prepared
from services.crm.rules.webhook_targets import NotATarget, Reach, canonical, permitted, target
from services.crm.rules.webhooks import PAUSES, announcements, joined, next_try
from shared.directory.contract import RecipientField
from shared.events.engagements import Verdict
from shared.events.log_decisions import LogOutcome, Reason, RecipientOutcome
from shared.events.log_reasons import CONTACT_ASKED_FOR_RULE
from tests.unit.crm.made import (
    ACCOUNT,
    HANAKO,
    MAIL,
    ON_DEAL,
    ON_HANAKO,
    REP,
    T0,
    a_draft,
    a_message,
    at,
    cancelled,
    clicked,
    decided,
    judged,
    sent,
)

pytestmark = pytest.mark.requirement("A6", "B9")
NOW = at(1000)


def told(before: MessageFile, after: MessageFile) -> list[Message]:
    changes = difference(ACCOUNT, before, after, ())
    return [message for one in joined(changes.transitions) for message in announcements(one, NOW)]


def after(*events: Any, **draft: Any) -> tuple[list[Message], MessageFile]:
    """What the events give to tell, one after the other, and the file at last."""
    file = MessageFile(a_message(**draft))
    messages: list[Message] = []
    for event in events:
        before, file = file, folded(file, event)
        messages += told(before, file)
    return messages, file


def types(messages: list[Message]) -> list[str]:
    return [message.payload.type for message in messages]


def test_each_thing_is_told_once_with_ids_alone() -> None:
    events = (sent(), decided(ON_HANAKO, ON_DEAL), judged(), clicked())
    messages, _ = after(*events, *events)
    assert types(messages) == ["mail.sent", "mail.logged", "mail.opened", "mail.clicked"]
    assert set(types(messages)) < {type_.value for type_ in WebhookType}
    assert len({message.id for message in messages}) == 4
    mail, logged, opened, click = (message.payload for message in messages)
    assert mail.data.model_dump(mode="json") == {
        "message_id": str(MAIL),
        "user_id": str(REP),
        "slots": [0, 1],
        "sent_at": "2026-11-24T09:00:10Z",
        "tracked": True,
        "anonymous": False,
    }
    assert logged.data.rules == ("record-ticked",)  # type: ignore[union-attr]
    assert set(logged.data.records) == {ON_HANAKO, ON_DEAL}  # type: ignore[union-attr]
    assert (opened.data.slots, opened.data.rules) == ((0,), ("pixel.google-proxy",))  # type: ignore[union-attr]
    assert (click.data.link_index, click.timestamp) == (1, at(90))  # type: ignore[union-attr]
    text = json.dumps([message.model_dump(mode="json") for message in messages], ensure_ascii=False)
    for private in ("@", "Offer", "山田", "sakura", "example.com"):
        assert private not in text


def test_what_comes_again_has_the_same_id() -> None:
    """A crash before the offsets were committed: the same events give the same messages."""
    events = (sent(), decided(), judged(), judged(revision=1, verdict=Verdict.MACHINE))
    assert [one.id for one in after(*events)[0]] == [one.id for one in after(*events)[0]]
    assert types(after(*events)[0])[1] == "mail.not_logged"


@pytest.mark.requirement("B3")
def test_a_verdict_that_changes_is_corrected_and_one_that_was_never_told_is_not() -> None:
    steps = (
        judged(verdict=Verdict.SELF),
        judged(revision=1, verdict=Verdict.MACHINE),
        judged(revision=2, verdict=Verdict.HUMAN),
        judged(revision=3, verdict=Verdict.HUMAN, confidence=0.5),
        judged(revision=4),
        judged(revision=5, verdict=Verdict.MACHINE),
        judged(revision=6, verdict=Verdict.HUMAN),
    )
    messages, _ = after(sent(), *steps)
    told_ = types(messages)[1:]
    correction = "mail.engagement_corrected"
    assert told_ == ["mail.opened", correction, correction, "mail.opened"]
    assert len({one.id for one in messages}) == len(messages)
    another, withdrawn = (one.payload.data for one in messages[2:4])
    assert (another.earlier_verdict, another.verdict, another.counts) == (  # type: ignore[union-attr]
        Verdict.HUMAN,
        Verdict.PROXIED_HUMAN,
        True,
    )
    assert (withdrawn.verdict, withdrawn.counts) == (Verdict.MACHINE, False)  # type: ignore[union-attr]
    assert messages[2].payload.timestamp == NOW


@pytest.mark.requirement("P3")
def test_an_anonymous_mail_names_no_slot() -> None:
    messages, _ = after(
        sent(anonymous=True), judged(), judged(revision=1, verdict=Verdict.SELF), anonymous=True
    )
    assert types(messages) == ["mail.sent", "mail.opened", "mail.engagement_corrected"]
    assert [one.payload.data.slots for one in messages] == [(), (), ()]  # type: ignore[union-attr]


@pytest.mark.requirement("L8")
def test_nothing_that_a_listed_recipient_does_is_told() -> None:
    listed = MessageRecipient(slot=0, address="a@x.example", field=RecipientField.TO, never_logged_by=MAIL)
    recipients = (listed, a_draft().recipients[1])
    messages, _ = after(
        sent(),
        judged(),
        clicked("b", candidates=(0, 1)),
        clicked("c", candidates=(1,)),
        recipients=recipients,
    )
    assert types(messages) == ["mail.sent", "mail.clicked"]
    assert [one.payload.data.slots for one in messages] == [(1,), (1,)]  # type: ignore[union-attr]


def test_what_was_never_prepared_is_told_once_it_is() -> None:
    orphan = replace(MessageFile(a_message()), message=a_message().model_copy(update={"draft": None}))
    known = folded(orphan, sent(), judged(), decided(ON_HANAKO))
    assert told(orphan, known) == []
    assert sorted(types(told(known, prepared(known, a_draft())))) == [
        "mail.logged",
        "mail.opened",
        "mail.sent",
    ]


def test_of_a_mail_that_is_called_off_or_deleted_nothing_more_is_told() -> None:
    _, file = after(sent(), judged())
    gone = deleted(file, NOW)
    assert told(file, gone) == []
    assert told(gone, folded(gone, clicked(), decided(ON_HANAKO))) == []
    _, off = after(cancelled())
    assert told(off, folded(off, judged())) == []


@pytest.mark.requirement("L5")
def test_contacts_that_are_made_for_it_are_among_the_records_of_a_logged_mail() -> None:
    """They come with the same change, after the decision; the mail is told of once, with all of them."""
    new = MessageRecipient(slot=0, address="new@x.example", field=RecipientField.TO)
    before = MessageFile(a_message(recipients=(new,)))
    reason = Reason(rule=CONTACT_ASKED_FOR_RULE)
    asked_for = RecipientOutcome(slot=0, outcome=LogOutcome.LOGGED, reasons=(reason,))
    decision = decided(ON_DEAL, recipients=(asked_for,))
    changes = difference(ACCOUNT, before, folded(before, decision), ())
    changes += met(ACCOUNT, changes.newcomers[0], {0: HANAKO})
    (message,) = (told for one in joined(changes.transitions) for told in announcements(one, NOW))
    assert set(message.payload.data.records) == {ON_DEAL, ON_HANAKO}  # type: ignore[union-attr]


def test_what_is_as_it_was_gives_nothing_to_tell() -> None:
    _, file = after(sent(), judged())
    assert difference(ACCOUNT, file, folded(file, judged()), ()) == Rewrite()


def test_attempts_are_at_the_times_of_the_standard() -> None:
    times, now = [], T0
    attempts = 1
    while (again := next_try(attempts, now)) is not None:
        times.append(again - now)
        now, attempts = again, attempts + 1
    assert times == list(PAUSES)
    assert (attempts, times[0], times[-1]) == (10, timedelta(seconds=5), timedelta(hours=24))


@pytest.mark.parametrize(
    ("typed", "made"),
    [
        ("https://hooks.example/a?b=%20c", "https://hooks.example/a?b=%20c"),
        ("HTTPS://Hooks.Example", "https://hooks.example/"),
        ("https://日本.example:8443/x", "https://xn--wgv71a.example:8443/x"),
        ("https://93.184.216.34/x", "https://93.184.216.34/x"),
        ("https://[2606:2800::1]/x", "https://[2606:2800::1]/x"),
    ],
)
def test_an_address_is_kept_in_one_way(typed: str, made: str) -> None:
    assert canonical(typed, Reach()) == made
    assert target(made).secure


@pytest.mark.parametrize(
    "typed",
    [
        "http://hooks.example/",
        "http://127.0.0.1/",
        "ftp://hooks.example/",
        "https://",
        "https://user:secret@hooks.example/",
        "https://hooks.example/#part",
        "https://hooks.example:0/",
        "https://hooks.example:99999/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://hooks.example/a b",
        "https://hooks.example/\r\nX: y",
        "https://hooks.example/" + "a" * 2000,
        "hooks.example",
        "",
    ],
)
def test_what_is_no_target_is_refused(typed: str) -> None:
    with pytest.raises(NotATarget):
        canonical(typed, Reach())


def test_plain_http_goes_to_this_machine_alone_and_only_if_it_is_allowed() -> None:
    reach = Reach(http_to_loopback=True)
    assert canonical("http://localhost:9000/x", reach) == "http://localhost:9000/x"
    assert permitted(["127.0.0.1"], reach, secure=False)
    for addresses in (["93.184.216.34"], ["127.0.0.1", "10.0.0.1"], []):
        with pytest.raises(NotATarget):
            permitted(addresses, reach, secure=False)
    with pytest.raises(NotATarget):
        permitted(["127.0.0.1"], reach, secure=True)
    with pytest.raises(NotATarget):
        canonical("http://hooks.example/", reach)


CLOSED = [
    "0.0.0.1",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "2002:a00:1::1",
    "2001:0:4136:e378::1",
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", CLOSED)
def test_no_webhook_goes_into_a_private_network(address: str) -> None:
    with pytest.raises(NotATarget):
        permitted([address], Reach(), secure=True)
    with pytest.raises(NotATarget):
        permitted(["93.184.216.34", address], Reach(), secure=True)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:21f::1", "64:ff9b::5db8:d822", "::ffff:93.184.216.34"]
)
def test_the_public_net_is_open(address: str) -> None:
    assert len(permitted([address], Reach(), secure=True)) == 1


def test_an_operator_opens_a_network_and_no_other() -> None:
    reach = Reach((ip_network("10.1.0.0/16"), ip_network("fd12::/32")))
    assert permitted(["10.1.2.3", "fd12::1", "::ffff:10.1.9.9"], reach, secure=True)
    for address in ("10.2.0.1", "fd13::1", "127.0.0.1"):
        with pytest.raises(NotATarget):
            permitted([address], reach, secure=True)
