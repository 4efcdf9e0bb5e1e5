"""Mail of the demo account's reps, with what their recipients did."""

from dataclasses import dataclass

from deploy.local.rep import BROWSER, GMAIL_PROXY, Rep, follow_link, load_pixel, reading_time, until

_APPLE_PROXY = {"User-Agent": "Mozilla/5.0", "X-Forwarded-For": "203.0.113.80"}


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to send, and who fetches its pixel; `clicks` on its first link."""

    subject: str
    to: tuple[tuple[str, str], ...]
    fetchers: tuple[dict[str, str], ...] = ()
    clicks: int = 0


OLIVIA = ("olivia@northwind.example", "Olivia Martin")
_ZOE = ("zoe@northwind.example", "Zoë Müller")
_LIAM = ("liam@northwind.example", "Liam Novak")
_YAMADA = ("yamada@sakura.example", "山田 花子")
_SUZUKI = ("suzuki@sakura.example", "鈴木 一郎")
_KOBAYASHI = ("kobayashi@minato.example", "小林 さくら")
MAILS = {
    "en": (
        Mail("Minutes of our call", (_LIAM, _ZOE)),
        Mail("Single sign-on: what we found", (_LIAM,), (_APPLE_PROXY,)),
        Mail("Agenda for Thursday", (OLIVIA, _ZOE, _LIAM), (GMAIL_PROXY,)),
        Mail("Training slides and recording", (_ZOE,), (BROWSER,)),
        Mail("Renewal 2027: the offer as discussed", (OLIVIA,), (GMAIL_PROXY,), clicks=1),
    ),
    "ja": (
        Mail("新ライン導入のご提案", (_YAMADA, _SUZUKI)),
        Mail("請求書の宛名変更について", (_YAMADA,), (_APPLE_PROXY,)),
        Mail("来週のお打ち合わせ", (_KOBAYASHI,), (BROWSER,)),
        Mail("お見積もりの件（第 2 版）", (_YAMADA,), (GMAIL_PROXY,), clicks=1),
    ),
}


async def send(rep: Rep, mail: Mail) -> None:
    """Prepare, logged on what Gmail's compose window offers, confirm, fetch and follow, waiting for each to
    be counted."""
    offered = (await rep.get("/v1/compose-context", to=",".join(address for address, _ in mail.to)))[
        "records"
    ]
    prepared = await rep.prepare(
        [{"address": address, "name": name} for address, name in mail.to],
        ["https://northwind.example/offers/2027?lang=en&v=2"],
        subject=mail.subject,
        log=True,
        records=[{"record_type": one["record_type"], "record_id": one["record_id"]} for one in offered],
    )
    await rep.confirm_sent(prepared)
    seen = 0
    for fetcher in mail.fetchers:
        if fetcher is BROWSER:
            await reading_time()
        await load_pixel(rep.http, prepared["pixel_url"], fetcher)
        seen += 1
        await _counted(rep, prepared["message_id"], seen)
    for _ in range(mail.clicks):
        await reading_time()
        await follow_link(rep.http, prepared["links"][0]["tracked_url"])
        seen += 1
        await _counted(rep, prepared["message_id"], seen)
    await _counted(rep, prepared["message_id"], seen)


async def _counted(rep: Rep, message_id: str, engagements: int) -> None:
    async def look() -> bool | None:
        row = await rep.feed_row(message_id)
        return True if row is not None and len(row["engagements"]) >= engagements else None

    await until(look, "the mail and its engagements in the feed", 20.0)
