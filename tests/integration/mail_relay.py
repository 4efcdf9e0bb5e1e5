"""A real SMTP relay of a test's own: STARTTLS with a certificate of its own, a sign-in, and moods."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from aiosmtpd.smtp import Session as SmtpSession
from cryptography import x509

from deploy.local.ports import LOOPBACK, free_port
from tests.certificates import self_signed

USER, PASSWORD, SENDER = "kaifu", "of the relay", "kaifu@app.example"


@dataclass
class MailRelay:
    """What it was given, and how it answers: `refusal` to each recipient, e.g. "550 5.1.1 no such user"."""

    folder: Path
    port: int
    tls: bool = True
    refusal: str | None = None
    mails: list[EmailMessage] = field(default_factory=list)
    readers: list[str] = field(default_factory=list)
    _server: Any = None

    def __post_init__(self) -> None:
        self.password_file.write_text(f"{PASSWORD}\n")
        certificate, key = self_signed(x509.IPAddress(ipaddress.ip_address(LOOPBACK)))
        self.certificate.write_bytes(certificate)
        self._key.write_bytes(key)

    @property
    def certificate(self) -> Path:
        """The authority to trust."""
        return self.folder / "relay.crt"

    @property
    def _key(self) -> Path:
        return self.folder / "relay.key"

    @property
    def password_file(self) -> Path:
        """Its password, as an operator would mount it."""
        return self.folder / "password"

    def settings(self, **changes: Any) -> dict[str, Any]:
        """crm's settings for it."""
        return {
            "smtp_host": LOOPBACK,
            "smtp_port": self.port,
            "smtp_ca_file": self.certificate,
            "smtp_user": USER,
            "smtp_password_file": self.password_file,
            "smtp_from": SENDER,
        } | changes

    def environment(self) -> dict[str, str]:
        """The same as variables."""
        return {f"KAIFU_CRM_{name}".upper(): str(value) for name, value in self.settings().items()}

    def link(self, at: int = -1) -> str:
        """The address in a mail: the same in both of its parts."""
        texts = [self.part(kind, at) for kind in ("plain", "html")]
        plain = next(line for line in texts[0].splitlines() if line.startswith("http"))
        assert texts[1].count(f'href="{plain}"') == 1
        return plain

    def part(self, kind: str, at: int = -1) -> str:
        """What stands in a mail's text or HTML."""
        body = self.mails[at].get_body((kind,))
        assert body is not None
        text: str = body.get_content()
        return text

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.get_running_loop().create_server(self._protocol, LOOPBACK, self.port)

    async def stop(self) -> None:
        """Nobody answers any more."""
        self._server.close()
        await self._server.wait_closed()

    def _protocol(self) -> SMTP:
        if not self.tls:
            return SMTP(self, hostname="relay.example")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self._key)
        return SMTP(
            self,
            hostname="relay.example",
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=_authenticate,
        )

    async def handle_RCPT(  # a name of aiosmtpd
        self, server: SMTP, session: SmtpSession, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the recipient, or not."""
        if self.refusal is not None:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: SmtpSession, envelope: Envelope) -> str:
        """Take the mail."""
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        self.readers += envelope.rcpt_tos
        return "250 taken"


def _authenticate(
    server: SMTP, session: SmtpSession, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=good, handled=False)


@asynccontextmanager
async def mail_relay(folder: Path, *, tls: bool = True) -> AsyncIterator[MailRelay]:
    """A relay that listens while the block runs."""
    relay = MailRelay(folder, free_port(), tls)
    await relay.start()
    try:
        yield relay
    finally:
        await relay.stop()
