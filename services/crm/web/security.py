"""What protects the pages: headers, the CSRF token, and where a sign-in may lead."""

import hmac
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf_token"
HOME = "/feed"
_LONGEST_PATH = 4096


class Forged(Exception):
    """A changing request that our own page did not send."""


def origin_of(url: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def headers(push_url: str, *, form_targets: tuple[str, ...] = ()) -> dict[str, str]:
    """Of every page. No inline script or style, no frame around us, no address told to other sites.

    `form_targets`: origins that a form's answer may redirect to (browsers hold redirects to it too).
    """
    policy = {
        "default-src": "'self'",
        "connect-src": f"'self' {origin_of(push_url)}",
        "img-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": " ".join(("'self'", *form_targets)),
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


def body_headers(*, images: bool) -> dict[str, str]:
    """Of a mail's body in its frame: even what the cleaning had missed could run nothing, load nothing,
    send no form and lead our page nowhere. A link opens a page that is as free as any other."""
    sources = "http: https:" if images else "'none'"
    policy = (
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        f"img-src {sources}",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        "sandbox allow-popups allow-popups-to-escape-sandbox",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


def uncached(answer: Response) -> Response:
    """The answer, which nobody may keep: it carries a code."""
    answer.headers["Cache-Control"] = "no-store"
    return answer


def local_path(asked: str | None) -> str:
    """Where to go next: a path of ours, else the feed. Nothing that a browser could read as a host."""
    if not asked or len(asked) > _LONGEST_PATH or not asked.startswith("/"):
        return HOME
    if asked.startswith("//") or "\\" in asked or any(ord(sign) < 0x21 for sign in asked):
        return HOME
    return asked


def client_address(request: Request, trusted_proxies: int) -> str:
    """Where the request comes from, through as many proxies as are trusted; never what a client claims."""
    forwarded = [step.strip() for step in request.headers.get("x-forwarded-for", "").split(",")]
    if trusted_proxies and len(forwarded) >= trusted_proxies and forwarded[-trusted_proxies]:
        return forwarded[-trusted_proxies]
    return request.client.host if request.client else ""


def check_origin(request: Request, app_url: str) -> None:
    """Browsers say where a POST comes from. Raises Forged if it is elsewhere."""
    origin = request.headers.get("origin")
    if origin is not None and origin != origin_of(app_url):
        raise Forged
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Forged


def check_token(sent: str | None, expected: str | None) -> None:
    """Raises Forged unless the token is the page's own."""
    if not sent or not expected or not hmac.compare_digest(sent.encode(), expected.encode()):
        raise Forged
