"""The running APIs do what their OpenAPI documents say, for requests that fit and for those that don't."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from deploy.local.rep import Rep
from deploy.local.stack import Stack
from tests.integration.client import signed_in

pytestmark = [pytest.mark.integration, pytest.mark.requirement("B9")]
CONTRACTS = Path(__file__).parents[2] / "contracts" / "openapi"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
_MORE_THAN_IS_DRAWN = 10_000
# `bounds` makes about 2,000 requests over both APIs, `fuzz` 200.
SETTINGS = settings(
    max_examples=5,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


SESSION = requests.Session()
SESSION.trust_env = False  # a proxy of this machine has no say on loopback


def _operations() -> dict[str, tuple[str, Any]]:
    """`crm GET /v1/me` → which address it is below, and the operation.

    Without the documents' word on tokens: every request here bears one, so that an "unfitting" request
    is one with wrong data, not one without a token, which other tests try.
    """
    found = {}
    for service, address in (("crm", "app_url"), ("ingest", "api_url")):
        document = json.loads((CONTRACTS / f"{service}.json").read_text())
        for path in document["paths"].values():
            for described in path.values():
                described.pop("security", None)
                for parameter in described.get("parameters", ()):
                    _leave_its_length(parameter["schema"])
        for result in schemathesis.openapi.from_dict(document).get_all_operations():
            operation = result.ok()
            found[f"{service} {operation.method.upper()} {operation.path}"] = (address, operation)
    return found


def _leave_its_length(schema: dict[str, Any]) -> None:
    """A text of thousands of letters that fits a pattern is looked for in vain, for minutes: beyond what
    Hypothesis draws, only one that is too long is tried."""
    if "pattern" in schema and schema.get("maxLength", 0) > 1000:
        schema["maxLength"] = max(schema["maxLength"], _MORE_THAN_IS_DRAWN)


OPERATIONS = _operations()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def second_rep(stack: Stack) -> AsyncIterator[Rep]:
    """Not the rep of the other tests; and no admin, who would switch tracking off in passing."""
    async with signed_in(stack.addresses, stack.sign_ins, number=1) as rep:
        yield rep


def _validated(case: Any, base_url: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    answer = case.call_and_validate(base_url, session=SESSION, headers=headers, checks=CHECKS, timeout=10)
    own = case.operation.path.startswith("/oauth/")  # there a 401 is about the client, not the user
    assert own or answer.status_code != 401, "the token was no good: nothing was tried"


def _bounds(operation: Any, base_url: str, token: str) -> None:
    """Each bound, type and required field from both sides; always the same requests."""

    def request(case: Any) -> None:
        _validated(case, base_url, token)

    config = HypothesisTestConfig(
        modes=[HypothesisTestMode.COVERAGE],
        project=operation.schema.config,
        settings=settings(SETTINGS, phases=[Phase.explicit]),
    )
    create_test(operation=operation, test_func=request, config=config)()


def _fuzz(operation: Any, base_url: str, token: str) -> None:
    """Whatever fits the document."""

    @settings(SETTINGS, phases=[Phase.generate])  # no shrinking: that would ask the service anew
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def request(case: Any) -> None:
        _validated(case, base_url, token)

    request()


@pytest.mark.parametrize("explore", [_bounds, _fuzz], ids=["bounds", "fuzz"])
@pytest.mark.parametrize("name", OPERATIONS)
async def test_an_operation_answers_as_documented(
    stack: Stack, second_rep: Rep, name: str, explore: Callable[[Any, str, str], None]
) -> None:
    """Blocking, as schemathesis is: in a thread, so that the stack is looked after meanwhile."""
    address, operation = OPERATIONS[name]
    await asyncio.to_thread(explore, operation, stack.addresses[address], second_rep.token)
