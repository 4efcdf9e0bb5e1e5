"""Which scope of an API token opens which route. What is not listed here is for people who are signed in:
what would let a token widen what it may (users, tokens, addresses) or is a person's own (pop-ups)."""

from shared.auth.scopes import Scope

_ALL = frozenset(Scope)
_READING = frozenset({"GET", "HEAD"})
_NOUNS = {  # the scopes to read, and to change
    "contacts": (Scope.RECORDS_READ, Scope.RECORDS_WRITE),
    "companies": (Scope.RECORDS_READ, Scope.RECORDS_WRITE),
    "deals": (Scope.RECORDS_READ, Scope.RECORDS_WRITE),
    "tickets": (Scope.RECORDS_READ, Scope.RECORDS_WRITE),
    "compose-context": (Scope.RECORDS_READ, Scope.RECORDS_READ),  # it changes nothing
    "feed": (Scope.MAIL_READ, None),
    "accuracy": (Scope.MAIL_READ, None),
    "messages": (Scope.MAIL_READ, Scope.MAIL_WRITE),
    "settings": (Scope.SETTINGS_READ, Scope.SETTINGS_WRITE),
    "webhooks": (Scope.SETTINGS_READ, Scope.SETTINGS_WRITE),
}
_RETENTION = "/v1/settings/retention"  # it deletes for good


def needed(method: str, path: str) -> frozenset[Scope]:
    """Any of these is enough; empty: no token may."""
    if (method, path) == ("GET", "/v1/me"):
        return _ALL
    if path == _RETENTION and method not in _READING:
        return frozenset()
    noun = path.removeprefix("/v1/").split("/")[0] if path.startswith("/v1/") else ""
    reads, changes = _NOUNS.get(noun, (None, None))
    scope = reads if method in _READING else changes
    return frozenset() if scope is None else frozenset({scope})
