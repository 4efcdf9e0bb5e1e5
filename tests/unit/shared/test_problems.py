"""Every error answer of an app is a problem body, and its OpenAPI document says so."""

from typing import Annotated
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Query
from prometheus_client import REGISTRY
from pydantic import BaseModel

from shared.http.fastapi import install_problems, responses
from shared.http.problems import CONFLICT, MEDIA_TYPE, NOT_FOUND, Problem, ProblemBody


class _Mail(BaseModel):
    subject: str
    to: list[UUID]


def _app() -> FastAPI:
    app = FastAPI()
    install_problems(app)

    @app.post("/mails", responses=responses(CONFLICT, NOT_FOUND))
    async def mails(mail: _Mail, limit: Annotated[int, Query(le=10)] = 1) -> dict[str, str]:
        if mail.subject == "conflict":
            raise Problem(CONFLICT, "It is sent already.", headers={"Retry-After": "3"}, state="sent")
        if mail.subject == "teapot":
            raise HTTPException(418, "short and stout")
        raise RuntimeError("御見積 to a@example.org")

    return app


@pytest.fixture
async def http() -> httpx.AsyncClient:
    transport = httpx.ASGITransport(_app(), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://app")


def _refused(name: str) -> float:
    return REGISTRY.get_sample_value("kaifu_requests_refused_total", {"problem": name}) or 0.0


@pytest.mark.parametrize(
    ("request_", "status", "name"),
    [
        (("POST", "/mails", {"content": b"{"}), 400, "malformed-request"),
        (("POST", "/mails", {"content": b"\xff"}), 400, "malformed-request"),
        (("POST", "/mails", {"json": {"subject": 1}}), 422, "invalid-request"),
        (("POST", "/mails?limit=11", {"json": {"subject": "a", "to": []}}), 422, "invalid-request"),
        (("GET", "/mails", {}), 405, "method-not-allowed"),
        (("GET", "/nothing", {}), 404, "not-found"),
        (("POST", "/mails", {"json": {"subject": "conflict", "to": []}}), 409, "conflict"),
        (("POST", "/mails", {"json": {"subject": "teapot", "to": []}}), 418, "http"),
        (("POST", "/mails", {"json": {"subject": "boom", "to": []}}), 500, "internal"),
    ],
)
async def test_every_way_to_fail_has_its_body_and_is_counted(
    http: httpx.AsyncClient, request_: tuple[str, str, dict[str, object]], status: int, name: str
) -> None:
    method, path, more = request_
    before = _refused(name)
    answer = await http.request(method, path, headers={"content-type": "application/json"}, **more)  # type: ignore[arg-type]
    body = ProblemBody.model_validate_json(answer.content)
    assert (answer.status_code, body.status, body.type) == (status, status, f"urn:kaifu:problem:{name}")
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert _refused(name) == before + 1


async def test_a_problem_has_its_members_and_headers(http: httpx.AsyncClient) -> None:
    answer = await http.post("/mails", json={"subject": "conflict", "to": []})
    assert (answer.json()["state"], answer.headers["retry-after"]) == ("sent", "3")
    wrong = await http.get("/mails")
    assert wrong.headers["allow"] == "POST"


async def test_values_of_the_request_are_never_echoed(http: httpx.AsyncClient) -> None:
    secret = "rep@kaifu.example"
    answer = await http.post("/mails", json={"subject": [secret], "to": [secret, "b"]})
    assert [error["pointer"] for error in answer.json()["errors"]] == [
        "/body/subject",
        "/body/to/0",
        "/body/to/1",
    ]
    assert secret not in answer.text
    failed = await http.post("/mails", json={"subject": "boom", "to": []})
    assert "example.org" not in failed.text


def test_the_document_says_problem_bodies_and_nothing_else() -> None:
    document = _app().openapi()
    answers = document["paths"]["/mails"]["post"]["responses"]
    for status in ("404", "409", "422"):
        assert list(answers[status]["content"]) == [MEDIA_TYPE]
    assert "HTTPValidationError" not in str(document)
    assert document["components"]["schemas"]["ProblemBody"]["required"] == [
        "type",
        "title",
        "status",
        "detail",
    ]
