"""Names and types of attachments: what may stand in a header and what a browser may be told."""

import re
import unicodedata
from urllib.parse import quote

MAX_NAME = 255
OCTETS = "application/octet-stream"
HEAD_BYTES = 512  # enough to know a type by
_DIRECTIONS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # they hide what an ending really is
_OFFICE = "application/vnd.openxmlformats-officedocument."
_BY_SIGNATURE = (
    (b"%PDF-", ("application/pdf",)),
    (b"\x89PNG\r\n\x1a\n", ("image/png",)),
    (b"\xff\xd8\xff", ("image/jpeg",)),
    (b"GIF8", ("image/gif",)),
    (
        b"PK\x03\x04",
        (
            "application/zip",
            f"{_OFFICE}wordprocessingml.document",
            f"{_OFFICE}spreadsheetml.sheet",
            f"{_OFFICE}presentationml.presentation",
        ),
    ),
)
_TEXTS = frozenset({"text/plain", "text/csv", "text/calendar"})


def clean_name(name: str) -> str:
    """The name alone: no folders, nothing that can't be seen, not empty; at most 255 characters."""
    last = re.split(r"[/\\]", name)[-1]
    seen = "".join(sign for sign in last if unicodedata.category(sign) not in ("Cc", "Cs", "Zl", "Zp"))
    return _DIRECTIONS.sub("", seen).strip().strip(".")[:MAX_NAME].strip() or "attachment"


def safe_type(declared: str, head: bytes) -> str:
    """The media type to answer with: what the content's first bytes show, of a short list.

    A type that a browser would run (HTML, SVG, XML, script) is never answered, whatever was declared.
    """
    asked = declared.partition(";")[0].strip().lower()
    for signature, types in _BY_SIGNATURE:
        if head.startswith(signature):
            return asked if asked in types else types[0]
    if asked in _TEXTS and b"\0" not in head:
        return asked
    return OCTETS


def disposition(name: str) -> str:
    """Content-Disposition of a download (RFC 6266): an ASCII name for old clients, then the true one."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^\w .,()+=@#-]", "_", plain).strip() or "attachment"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
