"""Which scope opens which route."""

import pytest

from services.crm.rules.scopes import needed
from shared.auth.scopes import Scope

pytestmark = pytest.mark.requirement("A6")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v1/contacts", Scope.RECORDS_READ),
        ("GET", "/v1/deals/1/timeline", Scope.RECORDS_READ),
        ("POST", "/v1/companies", Scope.RECORDS_WRITE),
        ("PUT", "/v1/tickets/1/pins/2", Scope.RECORDS_WRITE),
        ("DELETE", "/v1/contacts/1", Scope.RECORDS_WRITE),
        ("POST", "/v1/compose-context", Scope.RECORDS_READ),
        ("GET", "/v1/feed/1", Scope.MAIL_READ),
        ("GET", "/v1/accuracy", Scope.MAIL_READ),
        ("GET", "/v1/messages/1/body", Scope.MAIL_READ),
        ("PUT", "/v1/messages/1/body", Scope.MAIL_WRITE),
        ("DELETE", "/v1/messages/1", Scope.MAIL_WRITE),
        ("GET", "/v1/settings/audit", Scope.SETTINGS_READ),
        ("PUT", "/v1/settings/email", Scope.SETTINGS_WRITE),
        ("POST", "/v1/settings/never-log", Scope.SETTINGS_WRITE),
    ],
)
def test_one_scope_opens_it(method: str, path: str, scope: Scope) -> None:
    assert needed(method, path) == {scope}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/v1/me"),
        ("GET", "/v1/me/addresses"),
        ("POST", "/v1/users"),
        ("POST", "/v1/api-tokens"),
        ("PUT", "/v1/settings/retention"),
        ("POST", "/v1/feed"),
        ("GET", "/contacts"),
        ("GET", "/v1/something-new"),
        ("GET", "/v1/"),
    ],
)
def test_no_scope_opens_what_is_for_people_or_not_known(method: str, path: str) -> None:
    assert needed(method, path) == frozenset()


def test_any_scope_lets_a_token_ask_who_it_is() -> None:
    assert needed("GET", "/v1/me") == frozenset(Scope)
