"""One attempt to reach an endpoint: signed, at the address that was checked; the answer's status is read."""

import asyncio
import socket
import ssl
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
from standardwebhooks import Webhook as Signer

from services.crm.adapters.webhook_courier import AT_ONCE
from services.crm.model.webhooks import Answer, DeliveryTrouble, Outgoing
from services.crm.rules.webhook_targets import Address, NotATarget, Reach, Target, permitted, target

WITHIN_S = 10.0
_HEADERS = {"Content-Type": "application/json", "User-Agent": "Kaifu-Webhooks/1", "Accept": "*/*"}


class WebhookSender:
    """A connection for each attempt: nothing of one is left to another."""

    def __init__(self, reach: Reach, context: ssl.SSLContext | None = None) -> None:
        self._reach = reach
        # Threads of our own: a dead name server must not hold up what else waits for a thread.
        self._resolvers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook-names")
        self._http = httpx.AsyncClient(
            verify=context or ssl.create_default_context(),
            trust_env=False,
            follow_redirects=False,
            timeout=WITHIN_S,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """At the end."""
        await self._http.aclose()
        self._resolvers.shutdown(wait=False, cancel_futures=True)

    async def send(self, outgoing: Outgoing) -> Answer:
        """What came of it, within ten seconds."""
        try:
            async with asyncio.timeout(WITHIN_S):
                return await self._sent(outgoing)
        except (TimeoutError, httpx.TimeoutException):
            return Answer(trouble=DeliveryTrouble.TOO_SLOW)
        except OSError:
            return Answer(trouble=DeliveryTrouble.UNRESOLVED)
        except (NotATarget, UnicodeError):
            return Answer(trouble=DeliveryTrouble.FORBIDDEN_ADDRESS)

    async def _sent(self, outgoing: Outgoing) -> Answer:
        to = target(outgoing.url)
        addresses = permitted(await self._resolved(to), self._reach, secure=to.secure)
        headers = {**_HEADERS, **signed(outgoing, datetime.now(UTC)), "Host": to.authority}
        trouble = DeliveryTrouble.UNREACHABLE
        for address in addresses:
            try:
                return await self._asked(to, address, headers, outgoing.body)
            except httpx.ConnectError as error:
                trouble = _trouble_of(error)
            except httpx.TransportError as error:
                if isinstance(error, httpx.TimeoutException):
                    raise
                return Answer(trouble=_trouble_of(error))
        return Answer(trouble=trouble)

    async def _resolved(self, to: Target) -> Sequence[str]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._resolvers, lambda: socket.getaddrinfo(to.host, to.port, type=socket.SOCK_STREAM)
        )
        return list(dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found))

    async def _asked(self, to: Target, address: Address, headers: Mapping[str, str], body: str) -> Answer:
        """From exactly this address. The answer's body is not read."""
        host = f"[{address}]" if address.version == 6 else str(address)
        url = f"{'https' if to.secure else 'http'}://{host}:{to.port}{to.path}"
        named = {"sni_hostname": to.host} if to.secure else {}
        async with self._http.stream(
            "POST", url, content=body.encode(), headers=headers, extensions=named
        ) as answer:
            trouble = None if answer.is_success else DeliveryTrouble.ANSWER
            return Answer(status_code=answer.status_code, trouble=trouble)


def signed(outgoing: Outgoing, now: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks: one signature for each secret that is good."""
    id_ = str(outgoing.delivery.message_id)
    signatures = [
        Signer(secret.get_secret_value()).sign(id_, now, outgoing.body) for secret in outgoing.secrets
    ]
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _trouble_of(error: BaseException) -> DeliveryTrouble:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return DeliveryTrouble.NOT_SECURE
        seen = seen.__cause__ or seen.__context__
    return DeliveryTrouble.UNREACHABLE
