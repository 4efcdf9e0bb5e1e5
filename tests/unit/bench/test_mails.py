"""The mails of the benches are such as crm makes something of."""

from collections import Counter

from bench.mails import EVENTS, events, prepared
from services.crm.model.messages import FeedState
from services.crm.rules.feed import feed_row
from services.crm.rules.files import MessageEvent, MessageFile, difference, folded
from shared.events.catalogue import ENGAGEMENTS, HITS, LOG_DECISIONS, SENDS, topic_of
from shared.events.ids import new_id

OF_TOPIC = {"sends": SENDS, "decisions": LOG_DECISIONS, "hits": HITS, "engagements": ENGAGEMENTS}


def test_each_mail_has_its_events() -> None:
    found = Counter(topic_of(event) for event in events(new_id(), prepared(3)))
    assert found == {OF_TOPIC[name]: 3 * count for name, count in EVENTS.items()}


def test_each_is_opened_in_the_feed_and_stands_on_its_contact() -> None:
    account_id, (mail,) = new_id(), prepared(1)
    told = [event for event in events(account_id, [mail]) if isinstance(event, MessageEvent)]
    before = MessageFile(mail)
    after = folded(before, *told)
    row = feed_row(after.message)
    assert row is not None
    assert (row.state, row.opens, row.clicks) == (FeedState.OPENED, 3, 1)
    rows = difference(account_id, before, after, told).rows
    assert Counter(row.type for row in rows) == {"email": 1, "open": 3, "click": 1}
