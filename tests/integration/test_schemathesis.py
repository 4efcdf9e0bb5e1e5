"""The running APIs do what their OpenAPI documents say, for requests that fit and for those that don't."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
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
CONFORMANCE = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 5  # of each kind per operation: about 350 requests over both APIs


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
        for result in schemathesis.openapi.from_dict(document).get_all_operations():
            operation = result.ok()
            found[f"{service} {operation.method.upper()} {operation.path}"] = (address, operation)
    return found


OPERATIONS = _operations()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def second_rep(stack: Stack) -> AsyncIterator[Rep]:
    """Not the rep of the other tests; and no admin, who would switch tracking off in passing."""
    async with signed_in(stack.addresses, stack.sign_ins, number=1) as rep:
        yield rep


def _explore(operation: Any, mode: GenerationMode, base_url: str, token: str) -> None:
    """Blocking, as schemathesis is: called in a thread of its own."""
    checks = [*CONFORMANCE, negative_data_rejection] if mode is GenerationMode.NEGATIVE else CONFORMANCE

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],  # a failing request is shown as it is: shrinking asks anew
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def requests(case: Any) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        answer = case.call_and_validate(base_url=base_url, headers=headers, checks=checks, timeout=10)
        own = operation.path.startswith("/oauth/")  # there a 401 is about the client, not the user
        assert own or answer.status_code != 401, "the token was no good: nothing was tried"

    requests()


@pytest.mark.parametrize("name", OPERATIONS)
async def test_requests_that_fit_are_answered_as_documented(stack: Stack, second_rep: Rep, name: str) -> None:
    address, operation = OPERATIONS[name]
    await asyncio.to_thread(
        _explore, operation, GenerationMode.POSITIVE, stack.addresses[address], second_rep.token
    )


NEGATABLE = [
    name
    for name, (_, operation) in OPERATIONS.items()
    if operation.body or operation.query or operation.path_parameters
]


@pytest.mark.parametrize("name", NEGATABLE)
async def test_requests_that_do_not_fit_are_refused_as_documented(
    stack: Stack, second_rep: Rep, name: str
) -> None:
    address, operation = OPERATIONS[name]
    await asyncio.to_thread(
        _explore, operation, GenerationMode.NEGATIVE, stack.addresses[address], second_rep.token
    )
