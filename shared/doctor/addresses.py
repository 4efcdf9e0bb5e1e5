"""The addresses that browsers and mail readers see."""

from collections.abc import AsyncIterator, Iterator
from urllib.parse import SplitResult, urlsplit

import httpx

from shared.doctor.findings import Finding, doubt, fine, wrong
from shared.settings import PublicAddresses

_WITHIN_S = 5.0
_HTTP = {"ws": "http", "wss": "https"}
_HERE = ("127.0.0.1", "localhost", "::1")
_PROXY = "check DNS, certificate and the proxy in front"
_LOCAL = "start the service that serves it"


async def address_findings() -> AsyncIterator[Finding]:
    """Each answers as what it is, and the tracking origin is apart from the app's."""
    addresses = PublicAddresses()
    app, tracking = urlsplit(addresses.app_url), urlsplit(addresses.tracking_url)
    for finding in _origins(app, tracking):
        yield finding
    asked = {
        "PUBLIC_APP_URL": (addresses.app_url, "/.well-known/jwks.json", {200}, "application/json"),
        "PUBLIC_API_URL": (addresses.api_url, "/v1/messages", {401, 405}, ""),
        "PUBLIC_TRACKING_URL": (addresses.tracking_url, "/o/doctor.gif", {200}, "image/gif"),
        "PUBLIC_PUSH_URL": (addresses.push_url, "/v1/stream", {400, 401, 403, 426, 503}, ""),
    }
    async with httpx.AsyncClient(timeout=_WITHIN_S, trust_env=False) as http:
        for variable, (base, path, statuses, media_type) in asked.items():
            yield await _answer(http, variable, base, path, statuses, media_type)


def _origins(app: SplitResult, tracking: SplitResult) -> Iterator[Finding]:
    if tracking.netloc == app.netloc:
        said = "tracking and app share one origin: a leaked link would be a way into the app"
        yield wrong("origins", said, "give PUBLIC_TRACKING_URL a host of its own before any mail is sent")
    elif tracking.hostname in _HERE:
        said = "the tracking address is this machine's own: no recipient can reach it"
        yield doubt("origins", said, "for real mail set PUBLIC_TRACKING_URL to a public HTTPS address")
    elif tracking.hostname == app.hostname:
        said = "tracking and app differ by port only: cookies are shared between them"
        yield wrong("origins", said, "give PUBLIC_TRACKING_URL a host of its own")
    elif "http" in (tracking.scheme, app.scheme):
        said = "a public address is not HTTPS"
        yield wrong("origins", said, "end TLS at a proxy in front; browsers block pixels without it")
    else:
        yield fine("origins", "the tracking host is apart from the app's, both on HTTPS")


async def _answer(
    http: httpx.AsyncClient, variable: str, base: str, path: str, statuses: set[int], media_type: str
) -> Finding:
    parts = urlsplit(base.rstrip("/") + path)
    url = parts._replace(scheme=_HTTP.get(parts.scheme, parts.scheme)).geturl()
    cure = _LOCAL if parts.hostname in _HERE else _PROXY
    try:
        answer = await http.get(url)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return wrong(variable, f"can't be reached from here ({type(error).__name__})", cure)
    if answer.status_code not in statuses or not answer.headers.get("content-type", "").startswith(
        media_type
    ):
        said = f"something else answers there (status {answer.status_code})"
        return wrong(variable, said, "check which service the proxy sends it to")
    return fine(variable, "answers as it should")
