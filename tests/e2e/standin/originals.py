"""Mails as MIME, as a mail server has them."""

import email.policy
import email.utils
from email.message import EmailMessage

from tests.e2e.standin.mailbox import Mail

_POLICY = email.policy.SMTP


def original(mail: Mail) -> bytes:
    """The whole mail: headers, a body in HTML and the files, names of any script included."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = email.utils.formataddr((mail.sender_name, mail.sender))
    message["To"] = ", ".join(mail.to_line)
    if mail.cc_line:
        message["Cc"] = ", ".join(mail.cc_line)
    message["Subject"] = " ".join(mail.subject.split())
    message["Date"] = email.utils.formatdate(mail.at_ms / 1000)
    message["Message-ID"] = f"<{mail.hex_id}@mail.gmail.com>"
    message.set_content(mail.html, subtype="html")
    for file in mail.files:
        kind, _, subtype = (file.type or "application/octet-stream").partition("/")
        message.add_attachment(file.content, maintype=kind, subtype=subtype or "plain", filename=file.name)
    return message.as_bytes()
