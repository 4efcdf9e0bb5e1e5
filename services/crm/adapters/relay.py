"""The SMTP relay that takes Kaifu's own mail. Its certificate is checked, and nothing is sent in the open."""

import asyncio
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, make_msgid

import aiosmtplib

from services.crm.application.clock import utc_now
from services.crm.model.letters import Outgoing, Trouble, Written
from services.crm.rules.letters import mailable
from services.crm.settings import CrmSettings

_WITHIN_S = 15.0  # less than what counts as a stall
_SEVEN_BIT = SMTP_POLICY.clone(cte_type="7bit")


class NotTaken(Exception):
    """The relay does not have the letter, or nobody knows."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


class Relay:
    """One connection for each letter: there are few."""

    def __init__(self, settings: CrmSettings) -> None:
        self._settings = settings

    async def send(self, outgoing: Outgoing, written: Written) -> None:
        """Returns when the relay has taken it. Raises NotTaken."""
        message = composed(self._settings.smtp_from, outgoing, written)
        await self._with_relay(message)

    async def check(self) -> None:
        """Connect and sign in as for a letter. Raises NotTaken."""
        await self._with_relay(None)

    async def _with_relay(self, message: EmailMessage | None) -> None:
        try:
            async with asyncio.timeout(_WITHIN_S), await self._client() as client:
                if message is not None:
                    await client.send_message(message)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise NotTaken(trouble_of(error)) from None

    async def _client(self) -> aiosmtplib.SMTP:
        settings = self._settings
        return aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_user or None,
            password=await asyncio.to_thread(self._password),
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            tls_context=await asyncio.to_thread(self._context),
            timeout=_WITHIN_S,
        )

    def _password(self) -> str | None:
        settings = self._settings
        if not settings.smtp_user or settings.smtp_password_file is None:
            return None
        try:
            return settings.smtp_password_file.read_text().strip()
        except (OSError, UnicodeDecodeError):
            raise NotTaken(Trouble.SIGN_IN) from None

    def _context(self) -> ssl.SSLContext | None:
        if self._settings.smtp_security == "none":
            return None
        try:
            return ssl.create_default_context(cafile=self._settings.smtp_ca_file)
        except OSError:  # the file is not there, or holds no certificate
            raise NotTaken(Trouble.NOT_SECURE) from None


def composed(sender: str, outgoing: Outgoing, written: Written) -> EmailMessage:
    """Plain text and HTML. Addresses are parsed, never pasted into a header. Raises NotTaken for one that no
    mail can be sent to: an invitation may name any."""
    to = mailable(outgoing.to)
    if to is None:
        raise NotTaken(Trouble.REFUSED)
    message = EmailMessage(_SEVEN_BIT)
    message["From"] = Address("Kaifu", addr_spec=sender)
    message["To"] = Address(addr_spec=to)
    message["Subject"] = written.subject
    message["Date"] = format_datetime(utc_now())
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = outgoing.locale
    message.set_content(written.text)
    message.add_alternative(written.html, subtype="html")
    return message


def trouble_of(error: Exception) -> Trouble:
    """What an attempt came to, as far as people can do something about it."""
    causes = (error, error.__cause__, error.__context__)
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return Trouble.NOT_SECURE
    if isinstance(error, aiosmtplib.SMTPAuthenticationError | aiosmtplib.SMTPSenderRefused):
        return Trouble.SIGN_IN
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        codes = [refused.code for refused in error.recipients]
        return Trouble.REFUSED if min(codes, default=0) >= 500 else Trouble.LATER
    if isinstance(error, aiosmtplib.SMTPConnectResponseError):
        return Trouble.UNREACHABLE
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return Trouble.REFUSED if error.code >= 500 else Trouble.LATER
    if type(error) in (aiosmtplib.SMTPException, aiosmtplib.SMTPNotSupported):
        return Trouble.NOT_SECURE  # it has no STARTTLS, or no way to sign in that we would use
    return Trouble.UNREACHABLE
