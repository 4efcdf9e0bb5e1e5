"""Verdicts in numbers on a real database: right under corrections and redelivery, and each one's own (B1)."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.crm.adapters.counting import count_all, count_until
from services.crm.collaborators import Collaborators, collaborate
from services.crm.handlers import MessageHandler
from services.crm.model.accuracy import Accuracy
from services.crm.rules.files import MessageEvent
from services.crm.store.database import Database
from shared.auth.tokens import Role
from shared.events.engagements import Evidence, Verdict
from shared.events.ids import new_id
from tests.integration.crm.own_database import OwnDatabase, configuration
from tests.integration.crm.people import People, as_user, client
from tests.integration.crm.test_commands import kaifu
from tests.unit.crm.made import T0, judged

pytestmark = pytest.mark.requirement("B1")
DAY = T0.date()
NEXT = DAY + timedelta(days=1)
PATH = f"/v1/accuracy?from={DAY}&to={NEXT}"


def hit(people: People, message_id: UUID, name: str = "one", **more: Any) -> MessageEvent:
    """A verdict on a hit of the rep's mail, by Gmail's proxy unless told otherwise."""
    of: dict[str, Any] = {
        "message_id": message_id,
        "account_id": people.account_id,
        "user_id": people.rep.id,
        "evidence": (Evidence(rule=more.pop("rule", "proxies.google")),),
    }
    return judged(name, more.pop("seconds", 60), **(of | more))


async def play(crm: Collaborators, *events: MessageEvent) -> None:
    await MessageHandler(crm.stores.messages)([(event, ()) for event in events])


async def seen(crm: Collaborators, people: People, *, by_rep: bool = True) -> Accuracy:
    who = people.who(people.rep if by_rep else people.admin)
    return await crm.accuracy.of(who, DAY, NEXT)


async def recounted(database: Database, people: People) -> Counter[Verdict]:
    """From the engagements themselves."""
    found = database.whole["engagements"].find({"account_id": people.account_id, "inferred": False})
    return Counter([Verdict(one["verdict"]) async for one in found])


async def test_what_is_counted_is_what_stands(crm: Collaborators, people: People, database: Database) -> None:
    """Repeated, corrected, corrected back, delivered late: the numbers are those of the engagements."""
    mails = [new_id() for _ in range(3)]
    for mail in mails:
        human = hit(people, mail)
        machine = hit(people, mail, revision=1, verdict=Verdict.MACHINE, rule="bursts.links-at-once")
        back = hit(people, mail, revision=2)
        await play(crm, human, hit(people, mail, "two", seconds=100_000, verdict=Verdict.PRIVACY_PROXY))
        await play(crm, human, human)
        assert (await seen(crm, people)).verdicts == await recounted(database, people)
        await play(crm, machine)
        await play(crm, machine, human)
        if mail == mails[-1]:
            await play(crm, back, machine)
    await play(
        crm, hit(people, mails[0], "three", inferred=True, verdict=Verdict.HUMAN, rule="inferred.click")
    )
    found = await seen(crm, people)
    assert found.verdicts == await recounted(database, people)
    assert found.verdicts == {Verdict.PROXIED_HUMAN: 1, Verdict.PRIVACY_PROXY: 3, Verdict.MACHINE: 2}
    assert [sum(day.verdicts.values()) for day in found.days] == [3, 3]
    assert (found.hits, found.inferred) == (6, 1)
    wrong = found.corrections
    assert (wrong.revised, wrong.changed, wrong.taken_back, wrong.found_after) == (3, 2, 2, 0)


async def test_a_rep_sees_their_own_and_a_super_admin_the_account_s(
    crm: Collaborators, people: People, database: Database
) -> None:
    """Nobody sees another account's; who was a super admin once sees their own mail's."""
    await play(crm, hit(people, new_id()), hit(people, new_id(), user_id=people.admin.id))
    other = replace(people, account_id=people.stranger.account_id, rep=people.stranger)
    await play(crm, hit(other, new_id()), hit(other, new_id()), hit(other, new_id()))
    async with client(crm) as http:
        told = []
        for user in (people.rep, people.admin, people.stranger):
            answer = (await http.get(PATH, headers=as_user(crm, people, user))).json()
            told.append((answer["whole_account"], answer["hits"]))
        assert told == [(False, 1), (True, 2), (True, 3)]
        before = as_user(crm, people, people.admin)
        await database.whole["users"].update_one({"_id": people.admin.id}, {"$set": {"role": Role.REP}})
        answer = (await http.get(PATH, headers=before)).json()
        assert (answer["whole_account"], answer["hits"]) == (False, 1)


async def test_what_is_asked_for_must_be_days(crm: Collaborators, people: People) -> None:
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        for query in (f"from={NEXT}&to={DAY}", "from=2020-01-01&to=2026-01-01", "from=yesterday", "to=0"):
            assert (await http.get(f"/v1/accuracy?{query}")).status_code == 422, query
        month = (await http.get("/v1/accuracy")).json()
        assert len(month["days"]) == 30
        assert month["last"] == crm.clock().date().isoformat()
        for query, days in ((f"to={DAY}", 30), ("to=0001-01-02", 2), (f"from={DAY}&to={DAY}", 1)):
            assert len((await http.get(f"/v1/accuracy?{query}")).json()["days"]) == days


async def test_processes_that_count_at_once_lose_nothing(
    crm: Collaborators, people: People, database: Database, tmp_path: Path
) -> None:
    """Each has documents of its own; where two have the same, one of them tries again."""
    others = [collaborate(configuration(tmp_path), database) for _ in range(3)]
    for number, one in enumerate(others):
        one.stores.messages._counts._share = min(number, 1)
    mails = [[new_id() for _ in range(4)] for _ in others]
    for revision in range(2):
        verdict = Verdict.MACHINE if revision else Verdict.HUMAN
        await asyncio.gather(
            *(
                play(one, hit(people, mail, revision=revision, verdict=verdict))
                for one, own in zip(others, mails, strict=True)
                for mail in own
            )
        )
    assert (await seen(crm, people)).verdicts == {Verdict.MACHINE: 12}
    assert (await seen(crm, people, by_rep=False)).verdicts == {Verdict.MACHINE: 12}


async def forgotten(database: Database, people: People) -> None:
    """As an earlier release left it: no counts, and engagements that say nothing of them."""
    of = {"account_id": people.account_id}
    await database.whole["verdict_counts"].delete_many(of)
    gone = {"counted": "", "first_verdict": "", "first_revision": ""}
    await database.whole["engagements"].update_many(of, {"$unset": gone})


class Watched:
    """The counting, and whether it was looked at."""

    def __init__(self, crm: Collaborators) -> None:
        self._counting = crm.stores.counting
        self.asked = asyncio.Event()

    async def is_done(self) -> bool:
        done = await self._counting.is_done()
        self.asked.set()
        return done

    async def step(self, after: UUID | None) -> tuple[UUID | None, int]:
        return await self._counting.step(after)

    async def done(self) -> None:
        await self._counting.done()


async def by_itself(crm: Collaborators) -> None:
    """What crm does when it starts, until there is no more to do."""
    stopping, watched = asyncio.Event(), Watched(crm)
    counting = asyncio.create_task(count_until(stopping, watched))
    async with asyncio.timeout(30):
        await watched.asked.wait()
        while not await crm.stores.counting.is_done():
            await asyncio.sleep(0.05)
    stopping.set()
    await counting


async def test_what_an_earlier_release_wrote_is_counted_once(
    crm: Collaborators, people: People, database: Database, server: OwnDatabase
) -> None:
    """In pieces, beside corrections; crm does it once by itself, and the command again without harm."""
    mails = [new_id() for _ in range(5)]
    await play(crm, *[hit(people, mail) for mail in mails])
    before = await seen(crm, people)
    await forgotten(database, people)
    await play(crm, hit(people, mails[0], revision=1, verdict=Verdict.MACHINE))
    assert (await seen(crm, people)).verdicts == {Verdict.MACHINE: 1}, "nothing falls below none"
    await play(crm, hit(people, mails[0], revision=2))
    assert await count_all(crm.stores.counting) >= 4
    assert (await seen(crm, people)).verdicts == before.verdicts
    assert await count_all(crm.stores.counting) == 0
    await forgotten(database, people)
    await by_itself(crm)
    assert (await seen(crm, people)).hits == 0, "it was done once"
    await database.whole["upkeep"].delete_one({"_id": "verdicts-counted"})
    await by_itself(crm)
    assert (await seen(crm, people)).verdicts == before.verdicts
    await forgotten(database, people)
    code, said = await kaifu(server.url, "count-verdicts")
    assert (code, said) == (0, "5 counted\n")
    assert (await seen(crm, people)).verdicts == before.verdicts
    await play(crm, *[hit(people, mail, revision=3, verdict=Verdict.MACHINE) for mail in mails])
    assert (await seen(crm, people)).verdicts == {Verdict.MACHINE: 5}


async def test_counting_goes_on_in_pieces(
    crm: Collaborators, people: People, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.crm.store.accuracy._BATCH", 2)
    monkeypatch.setattr("services.crm.adapters.counting._PAUSE_S", 0)
    await play(crm, *[hit(people, new_id()) for _ in range(5)])
    await forgotten(database, people)
    await count_all(crm.stores.counting)
    assert (await seen(crm, people)).hits == 5


async def test_what_was_counted_between_the_look_and_the_count_is_not_counted_again(
    crm: Collaborators, people: People, database: Database
) -> None:
    """By another process, or by a correction."""
    await play(crm, *[hit(people, new_id()) for _ in range(3)])
    found = await database.whole["engagements"].find({"account_id": people.account_id}).to_list(None)
    await crm.stores.counting._count(people.account_id, [one["_id"] for one in found])
    assert (await seen(crm, people)).hits == 3


async def test_a_day_s_counts_name_no_person(crm: Collaborators, people: People, database: Database) -> None:
    """Users' ids and numbers: no message, no recipient, no address (P3, P5)."""
    mail = new_id()
    await play(crm, hit(people, mail))
    found = await database.whole["verdict_counts"].find({"account_id": people.account_id}).to_list(None)
    assert {frozenset(one) for one in found} == {frozenset({"_id", "account_id", "user_id", "day", "cells"})}
    assert str(mail) not in str(found)
    assert date.fromisoformat(found[0]["day"]) == DAY
