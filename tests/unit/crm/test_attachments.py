"""Names and types of attachments."""

import pytest

from services.crm.rules.attachments import OCTETS, clean_name, disposition, safe_type

pytestmark = pytest.mark.requirement("L10")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("offer.pdf", "offer.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\offer.pdf", "offer.pdf"),
        ("a\r\nSet-Cookie: b.pdf", "aSet-Cookie: b.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("見積書 2026.xlsx", "見積書 2026.xlsx"),
        ("👩\u200d💻.png", "👩\u200d💻.png"),
        ("..", "attachment"),
        ("a/", "attachment"),
        (" \x00 ", "attachment"),
        ("x" * 300, "x" * 255),
    ],
)
def test_a_name_is_only_a_name(given: str, kept: str) -> None:
    """No folders, nothing unseen, never empty."""
    assert clean_name(given) == kept


@pytest.mark.parametrize(
    ("declared", "head", "answered"),
    [
        ("application/pdf", b"%PDF-1.7", "application/pdf"),
        ("text/html", b"%PDF-1.7", "application/pdf"),
        ("application/pdf", b"<script>", OCTETS),
        ("text/html", b"<script>", OCTETS),
        ("image/svg+xml", b"<svg", OCTETS),
        ("application/javascript", b"alert(1)", OCTETS),
        ("text/plain; charset=utf-8", b"hello", "text/plain"),
        ("text/plain", b"a\0b", OCTETS),
        ("image/png", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("application/x-zip", b"PK\x03\x04", "application/zip"),
        ("", b"", OCTETS),
    ],
)
def test_no_type_that_a_browser_would_run(declared: str, head: bytes, answered: str) -> None:
    """What the bytes show counts, and only of a short list."""
    assert safe_type(declared, head) == answered


def test_a_name_stays_within_its_header() -> None:
    """Quotes are escaped, other scripts are encoded (RFC 6266)."""
    assert disposition('a".pdf') == "attachment; filename=\"a_.pdf\"; filename*=UTF-8''a%22.pdf"
    assert disposition("見.pdf").isascii()
