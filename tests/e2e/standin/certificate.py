"""A throw-away certificate for the one name that the stand-in is served under."""

import ssl
import tempfile

from cryptography import x509

from tests.certificates import self_signed

HOST = "mail.google.com"


def server_context() -> ssl.SSLContext:
    """TLS as HOST, with a key that lives as long as the context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(self_signed(x509.DNSName(HOST))))
        file.flush()
        context.load_cert_chain(file.name)
    return context
