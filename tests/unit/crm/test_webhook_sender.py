"""Attempts at a receiver that answers as a test likes, and at names that mean what a test says (B9)."""

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from pydantic import SecretStr
from standardwebhooks import Webhook as Verifier

from services.crm.adapters import webhook_sender
from services.crm.adapters.webhook_sender import WebhookSender
from services.crm.model.webhooks import DeliveryTrouble, Outgoing, WebhookDelivery
from services.crm.rules.secrets import new_webhook_secret
from services.crm.rules.webhook_targets import Reach
from shared.events.ids import new_id
from tests.certificates import self_signed
from tests.loopback import Asked, loopback, response

pytestmark = pytest.mark.requirement("A6", "B9")
LOCAL = Reach(http_to_loopback=True)
SECRET, OLD = new_webhook_secret(), new_webhook_secret()
Names = dict[str, list[list[str]]]


def outgoing(url: str, *secrets: str) -> Outgoing:
    now = datetime.now(UTC)
    id_ = new_id()
    delivery = WebhookDelivery(id=id_, webhook_id=id_, message_id=id_, type="mail.sent", created_at=now)
    return Outgoing(
        account_id=id_,
        delivery=delivery,
        url=url,
        secrets=tuple(SecretStr(one) for one in secrets or (SECRET,)),
        body='{"type":"mail.sent","名":1}',
    )


@asynccontextmanager
async def sender(reach: Reach = LOCAL, context: ssl.SSLContext | None = None) -> AsyncIterator[WebhookSender]:
    made = WebhookSender(reach, context)
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """What names mean, question after question; the last answer stays."""
    known: Names = {}
    real = socket.getaddrinfo

    def resolved(host: Any, port: Any, *more: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if (answers := known.get(name)) is None:
            return real(host, port, *more, **options)
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        if not addresses:
            raise socket.gaierror("no such name")
        kinds = [socket.AF_INET6 if ":" in one else socket.AF_INET for one in addresses]
        return [
            (kind, socket.SOCK_STREAM, 6, "", (one, port)) for kind, one in zip(kinds, addresses, strict=True)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    return known


def ok(status: int = 204, head: str = "", body: bytes = b"") -> Callable[[Asked], Any]:
    async def answer(_: Asked) -> list[bytes | float]:
        if head:
            return [f"HTTP/1.1 {status} X\r\n{head}content-length: 0\r\n\r\n".encode()]
        return response(status, body)

    return answer


async def test_the_library_verifies_what_arrives_with_either_secret() -> None:
    async with loopback(ok()) as receiver, sender() as here:
        message = outgoing(f"{receiver.address}/in?a=%2Fb", SECRET, OLD)
        answer = await here.send(message)
        assert (answer.status_code, answer.trouble) == (204, None)
    (asked,) = receiver.asked
    assert asked.line.startswith("POST /in?a=%2Fb ")
    assert asked.headers["host"] == receiver.address.removeprefix("http://")
    assert asked.headers["webhook-id"] == str(message.delivery.message_id)
    for secret in (SECRET, OLD):
        assert Verifier(secret).verify(asked.body, asked.headers) == {"type": "mail.sent", "名": 1}
    with pytest.raises(Exception, match="No matching signature"):
        Verifier(new_webhook_secret()).verify(asked.body, asked.headers)
    with pytest.raises(Exception, match="No matching signature"):
        Verifier(SECRET).verify(asked.body + b" ", asked.headers)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 410, 429, 500, 503])
async def test_all_but_2xx_is_a_failure_and_no_redirect_is_followed(status: int) -> None:
    async with loopback(ok()) as inside, sender() as here:
        async with loopback(ok(status, f"location: {inside.address}/secret\r\n")) as receiver:
            answer = await here.send(outgoing(receiver.address))
        assert (answer.status_code, answer.trouble) == (status, DeliveryTrouble.ANSWER)
        assert len(receiver.asked) == 1
        assert inside.asked == []


async def test_what_is_slow_is_given_up_and_a_large_answer_is_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webhook_sender, "WITHIN_S", 0.3)

    async def drip(_: Asked) -> list[bytes | float]:
        return [part for _ in range(100) for part in (b"HTTP/1.1 1", 0.05)]

    async def endless(_: Asked) -> list[bytes | float]:
        return [b"HTTP/1.1 200 OK\r\ncontent-length: 9999999999\r\n\r\n", *[b"x" * 65536] * 200, 60.0]

    async with sender() as here:
        for answering, trouble in ((drip, DeliveryTrouble.TOO_SLOW), (endless, None)):
            async with loopback(answering) as receiver:
                began = time.monotonic()
                assert (await here.send(outgoing(receiver.address))).trouble is trouble
                assert time.monotonic() - began < 3


async def test_an_answer_that_is_none_and_a_port_where_nobody_is() -> None:
    async def garbage(_: Asked) -> list[bytes | float]:
        return [b"SSH-2.0-x\r\n\r\n"]

    async with sender() as here:
        async with loopback(garbage) as receiver:
            assert (await here.send(outgoing(receiver.address))).trouble is DeliveryTrouble.UNREACHABLE
        assert (await here.send(outgoing(receiver.address))).trouble is DeliveryTrouble.UNREACHABLE


async def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with loopback(ok()) as proxy, loopback(ok()) as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.address)
        async with sender() as here:
            assert (await here.send(outgoing(receiver.address))).trouble is None
        assert proxy.asked == []


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["93.184.216.34", "169.254.169.254"], ["fd00::1"]])
async def test_a_name_that_leads_into_a_private_network_is_refused(
    names: Names, addresses: list[str]
) -> None:
    names["hooks.example"] = [addresses]
    async with sender(Reach()) as here:
        answer = await here.send(outgoing("https://hooks.example/"))
    assert answer.trouble is DeliveryTrouble.FORBIDDEN_ADDRESS
    names["hooks.example"] = [[]]
    async with sender(Reach()) as here:
        assert (await here.send(outgoing("https://hooks.example/"))).trouble is DeliveryTrouble.UNRESOLVED


async def test_the_address_that_was_checked_is_the_one_that_is_asked(names: Names) -> None:
    """A name that is harmless when it is looked at and means this machine a moment later (DNS rebinding)."""
    async with loopback(ok()) as receiver, sender(Reach((ipaddress.ip_network("127.0.0.2/32"),))) as here:
        port = int(receiver.address.rpartition(":")[2])
        names["rebind.example"] = [["127.0.0.2"], ["127.0.0.1"], ["127.0.0.3"]]
        answer = await here.send(outgoing(f"https://rebind.example:{port}/"))
        assert answer.trouble is DeliveryTrouble.UNREACHABLE, "nobody listens at the address that was checked"
        assert len(names["rebind.example"]) == 2, "it was looked up once"
        answer = await here.send(outgoing(f"https://rebind.example:{port}/"))
        assert answer.trouble is DeliveryTrouble.FORBIDDEN_ADDRESS


async def test_the_certificate_must_be_the_name_s(names: Names, tmp_path: Path) -> None:
    """Though it is an address that is connected to."""
    certificate, key = self_signed(x509.DNSName("hooks.example"))
    (tmp_path / "pair.pem").write_bytes(certificate + key)
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.load_cert_chain(tmp_path / "pair.pem")
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", ssl=theirs)
    port = server.sockets[0].getsockname()[1]
    ours = ssl.create_default_context(cadata=certificate.decode())
    reach = Reach((ipaddress.ip_network("127.0.0.0/8"),))
    names |= {"hooks.example": [["127.0.0.1"]], "other.example": [["127.0.0.1"]]}
    async with server, sender(reach, ours) as here:
        assert (await here.send(outgoing(f"https://hooks.example:{port}/"))).trouble is None
        wrong = await here.send(outgoing(f"https://other.example:{port}/"))
        assert wrong.trouble is DeliveryTrouble.NOT_SECURE
    async with sender(reach) as here:
        assert (await here.send(outgoing(f"https://hooks.example:{port}/"))).trouble is not None
    assert len(asked) == 1
    assert f"host: hooks.example:{port}".encode() in asked[0].lower()
