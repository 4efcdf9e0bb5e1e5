"""The send API over HTTP: FastAPI around plain use cases, so that its document needs no broker."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import Depends, FastAPI, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from opentelemetry import trace

from services.ingest import problems
from services.ingest.adapters.asgi import (
    Admission,
    Admit,
    Authenticate,
    SecurityHeaders,
    ServerSpan,
    who_asks,
)
from services.ingest.messages import (
    Accepted,
    Prepared,
    PrepareRequest,
    RepliesAccepted,
    RepliesRequest,
    ScheduledRequest,
    SentRequest,
    ViewingAccepted,
    ViewingRequest,
)
from services.ingest.rules_address import ClientAddresses
from services.ingest.rules_hit import header_text
from shared.auth.tokens import SignedIn
from shared.events.hits import MAX_USER_AGENT
from shared.http.fastapi import UNOBSERVED, install_problems, responses
from shared.http.limits import BodyLimit
from shared.http.problems import (
    INVALID,
    MALFORMED,
    NOT_FOUND,
    NOT_SIGNED_IN,
    SCOPE_MISSING,
    SIGN_IN_EXPIRED,
    TOO_LARGE,
    UNAVAILABLE,
)
from shared.telemetry.tracing import KafkaHeaders, kafka_headers

MAX_BODY_BYTES = 1 << 20

_BODY = (
    MALFORMED,
    NOT_SIGNED_IN,
    SIGN_IN_EXPIRED,
    SCOPE_MISSING,
    TOO_LARGE,
    INVALID,
    problems.TOO_MANY_REQUESTS,
    UNAVAILABLE,
)
_PREPARE = responses(
    *_BODY,
    problems.NOTHING_TO_DO,
    problems.TOO_MANY_RECIPIENTS,
    problems.LINK_TOO_LONG,
    problems.LINK_NOT_TRACKABLE,
    problems.KEY_REUSED,
    problems.SENDER_NOT_OURS,
    problems.DIRECTORY_UNAVAILABLE,
    problems.STORAGE_FULL,
)
_REPORT = responses(
    *_BODY,
    problems.RECEIPT_INVALID,
    problems.RECEIPT_EXPIRED,
    NOT_FOUND,
    problems.BROKER_UNAVAILABLE,
    problems.STORAGE_FULL,
)
_SEEN = responses(*_BODY, problems.STORAGE_FULL)


class UseCases(Protocol):
    """What the routes call; `services.ingest.handlers.SendApi` in the running service."""

    async def prepare(self, who: SignedIn, request: PrepareRequest, idempotency_key: str | None) -> Prepared:
        """Decide on a mail about to be sent."""

    async def sent(
        self, who: SignedIn, message_id: UUID, request: SentRequest, headers: KafkaHeaders
    ) -> Accepted:
        """The mail went out."""

    async def scheduled(
        self, who: SignedIn, message_id: UUID, request: ScheduledRequest, headers: KafkaHeaders
    ) -> Accepted:
        """The mail goes out later."""

    async def cancelled(
        self, who: SignedIn, message_id: UUID, request: SentRequest, headers: KafkaHeaders
    ) -> Accepted:
        """The mail will not go out."""

    async def viewing(
        self,
        who: SignedIn,
        request: ViewingRequest,
        client_address: str | None,
        user_agent: str,
        headers: tuple[tuple[str, bytes], ...],
    ) -> ViewingAccepted:
        """The rep sees these messages."""

    async def replies(
        self, who: SignedIn, request: RepliesRequest, headers: tuple[tuple[str, bytes], ...]
    ) -> RepliesAccepted:
        """These messages were answered."""


def create_api(
    use_cases: UseCases,
    authenticate: Authenticate,
    admit: Admit,
    addresses: ClientAddresses | None = None,
) -> FastAPI:
    """The application. `authenticate`, `admit`: as `Admission` says."""
    app = FastAPI(
        title="Kaifu send API",
        version="1",
        summary="Prepare a mail for tracking and logging, and report what became of it.",
        docs_url=None,
        redoc_url=None,
        telemetry=UNOBSERVED,
    )
    install_problems(app)
    _add_routes(app, use_cases, _bearer(), addresses or ClientAddresses())
    app.add_middleware(BodyLimit, limit_of=lambda _: MAX_BODY_BYTES)
    app.add_middleware(ServerSpan, name="send")
    app.add_middleware(Admission, authenticate=authenticate, admit=admit)
    app.add_middleware(SecurityHeaders)
    return app


def _bearer() -> Callable[..., Awaitable[SignedIn]]:
    scheme = HTTPBearer(auto_error=False, bearerFormat="JWT", description="An access token of crm.")

    async def bearer(
        request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(scheme)]
    ) -> SignedIn:
        return who_asks(request.scope)

    return bearer


def _add_routes(
    app: FastAPI,
    use_cases: UseCases,
    bearer: Callable[..., Awaitable[SignedIn]],
    addresses: ClientAddresses,
) -> None:
    who_asks = Depends(bearer)
    idempotency_key = Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Repeating the request with the same key answers the same bytes.",
    )

    @app.post("/v1/messages", status_code=201, responses=_PREPARE, tags=["messages"])
    async def prepare(
        body: PrepareRequest,
        who: Annotated[SignedIn, who_asks],
        key: Annotated[str | None, idempotency_key] = None,
    ) -> Prepared:
        """Before sending: is this mail tracked and logged, and with which addresses?"""
        return await use_cases.prepare(who, body, key)

    @app.post("/v1/messages/{message_id}/sent", status_code=202, responses=_REPORT, tags=["messages"])
    async def sent(message_id: UUID, body: SentRequest, who: Annotated[SignedIn, who_asks]) -> Accepted:
        """The mail went out. 202 once it is stored; repeating it has one effect."""
        return await use_cases.sent(who, message_id, body, _trace())

    @app.post("/v1/messages/{message_id}/scheduled", status_code=202, responses=_REPORT, tags=["messages"])
    async def scheduled(
        message_id: UUID, body: ScheduledRequest, who: Annotated[SignedIn, who_asks]
    ) -> Accepted:
        """The mail goes out at `send_at`."""
        return await use_cases.scheduled(who, message_id, body, _trace())

    @app.post("/v1/messages/{message_id}/cancelled", status_code=202, responses=_REPORT, tags=["messages"])
    async def cancelled(message_id: UUID, body: SentRequest, who: Annotated[SignedIn, who_asks]) -> Accepted:
        """The mail will not go out."""
        return await use_cases.cancelled(who, message_id, body, _trace())

    @app.post("/v1/viewing", status_code=202, responses=_SEEN, tags=["viewing"])
    async def viewing(
        body: ViewingRequest, request: Request, who: Annotated[SignedIn, who_asks]
    ) -> ViewingAccepted:
        """I am viewing these messages: their hits from here are my own."""
        raw = dict(request.headers.raw)
        peer = addresses.of_peer(request.client.host if request.client else None)
        forwarded = request.headers.getlist("x-forwarded-for")
        address = peer.of(", ".join(forwarded).encode("latin-1") if forwarded else None)
        agent = header_text(raw.get(b"user-agent", b""), MAX_USER_AGENT)
        return await use_cases.viewing(who, body, address, agent, _trace())

    @app.post("/v1/replies", status_code=202, responses=_SEEN, tags=["replies"])
    async def replies(body: RepliesRequest, who: Annotated[SignedIn, who_asks]) -> RepliesAccepted:
        """These mails of mine were answered, so they were open. Mails that are not mine are ignored."""
        return await use_cases.replies(who, body, _trace())


def _trace() -> tuple[tuple[str, bytes], ...]:
    """The current trace for Kafka; nothing when it is not sampled."""
    if not trace.get_current_span().get_span_context().trace_flags.sampled:
        return ()
    return tuple(kafka_headers())
