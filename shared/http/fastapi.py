"""FastAPI with problem bodies: every error answer of an app is `application/problem+json`."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException

from shared.http.problems import (
    FORBIDDEN,
    INTERNAL,
    INVALID,
    MALFORMED,
    MEDIA_TYPE,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    Problem,
    ProblemBody,
    ProblemType,
)
from shared.telemetry.names import REFUSED

log = structlog.get_logger(__name__)

# FastAPI's own spans and log records hold `url.query` and the values of failed fields: what people
# searched for. Ours (shared.telemetry.tracing) hold ids and counts.
UNOBSERVED: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}
_PROBLEM_SCHEMA = {"$ref": "#/components/schemas/ProblemBody"}
_FASTAPIS_OWN = ("HTTPValidationError", "ValidationError")
_BY_STATUS = {400: MALFORMED, 403: FORBIDDEN, 404: NOT_FOUND, 405: METHOD_NOT_ALLOWED}


def responses(*problems: ProblemType) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route: its problems, documented in OpenAPI."""
    by_status: dict[int | str, list[str]] = {}
    for problem in problems:
        by_status.setdefault(int(problem.status), []).append(f"{problem.title} (`{problem.urn}`)")
    return {
        status: {"description": "; ".join(lines), "content": {MEDIA_TYPE: {"schema": _PROBLEM_SCHEMA}}}
        for status, lines in by_status.items()
    }


def answer(problem: Problem) -> JSONResponse:
    """The problem as a response, counted."""
    REFUSED.labels(problem.problem.name).inc()
    return JSONResponse(
        problem.body(),
        status_code=int(problem.problem.status),
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def install_problems(app: FastAPI) -> None:
    """Turn every way to fail into a problem body. Values of the request are never echoed."""
    _document_problems(app)

    @app.exception_handler(Problem)
    async def _problem(_: Request, error: Problem) -> JSONResponse:
        return answer(error)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        faults = error.errors()
        if any(fault["type"] == "json_invalid" for fault in faults):
            return answer(Problem(MALFORMED, "The body is not JSON."))
        errors = [{"pointer": _pointer(fault["loc"]), "detail": fault["msg"]} for fault in faults[:20]]
        return answer(Problem(INVALID, "See `errors`: a JSON pointer and a reason each.", errors=errors))

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> JSONResponse:
        problem = _BY_STATUS.get(error.status_code)
        if problem is None:
            problem = ProblemType("http", HTTPStatus(error.status_code), "The request was refused")
        return answer(Problem(problem, str(error.detail), headers=dict(error.headers or {})))

    @app.exception_handler(Exception)
    async def _internal(_: Request, error: Exception) -> JSONResponse:
        log.error("a request failed", exc_info=error)
        return answer(Problem(INTERNAL, "It is logged with its trace id; try again later."))


def _document_problems(app: FastAPI) -> None:
    """Let the OpenAPI document say what is sent: problem bodies, also where FastAPI adds its own 422."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            for name in _FASTAPIS_OWN:
                schemas.pop(name, None)
            schemas["ProblemBody"] = ProblemBody.model_json_schema()
            invalid = responses(INVALID)[int(INVALID.status)]
            for operation in _operations(document):
                answers = operation.get("responses", {})
                if "HTTPValidationError" in str(answers.get("422", "")):
                    answers["422"] = invalid
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document.get("paths", {}).values():
        yield from (operation for operation in path.values() if isinstance(operation, dict))


def _pointer(location: tuple[int | str, ...]) -> str:
    return "/" + "/".join(str(step) for step in location)
