"""What webhooks receive: the `webhooks` of the OpenAPI document. Nothing here answers a request."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Response

from services.crm.model.webhooks import (
    MailClicked,
    MailEngagementCorrected,
    MailLogged,
    MailNotLogged,
    MailOpened,
    MailSent,
    WebhookTest,
)

router = APIRouter()
_ANSWERS: dict[int | str, dict[str, Any]] = {
    "2XX": {"description": "Received. Anything else, or nothing within 10 seconds, is tried again."},
    410: {"description": "The webhook is switched off."},
    "4XX": {"description": "Not received: it is tried again."},
}
Id = Annotated[str, Header(alias="webhook-id", description="the same at every attempt: keep it, to act once")]
Timestamp = Annotated[
    str, Header(alias="webhook-timestamp", description="seconds since 1970, of the attempt")
]
Signature = Annotated[
    str, Header(alias="webhook-signature", description="`v1,…`; for a day after a change of secret, two")
]


def _told(payload: type) -> None:
    name = payload.model_fields["type"].default  # type: ignore[attr-defined]

    async def told(id_: Id, at: Timestamp, signature: Signature, body: payload) -> None:  # type: ignore[valid-type]
        raise NotImplementedError

    router.add_api_route(
        name,
        told,
        methods=["POST"],
        status_code=204,
        response_class=Response,
        summary=name,
        description=payload.__doc__,
        operation_id=name,
        responses=_ANSWERS,
        tags=["webhooks"],
    )


for one in (
    MailSent,
    MailOpened,
    MailClicked,
    MailEngagementCorrected,
    MailLogged,
    MailNotLogged,
    WebhookTest,
):
    _told(one)
