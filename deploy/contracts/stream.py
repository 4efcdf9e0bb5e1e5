"""The WebSocket that reps' screens listen to, for the AsyncAPI document: `/v1/stream` of the notifier."""

from typing import Any, get_args

from deploy.contracts.schemas import DIALECT, name_of
from services.notifier.messages import Close
from services.notifier.policy import Silence
from services.notifier.rules import SUMMARY_NAMES, ResyncReason
from services.notifier.settings import NotifierSettings
from shared.events.catalogue import NOTIFICATIONS, event_types

CHANNEL = "stream"
_SERVER = "push"
Json = dict[str, Any]

_CURSOR: Json = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,200}$"}

_NEWEST: Json = {"type": "array", "maxItems": SUMMARY_NAMES, "items": {"type": "string", "format": "uuid"}}

_SILENT: Json = {"enum": list(get_args(Silence))}


def _frame(type_: str, **fields: Json) -> Json:
    """The schema of one JSON text message."""
    properties = {"type": {"const": type_}, **fields}
    return {"type": "object", "required": list(properties), "properties": properties}


def _with(frame: Json, **optional: Json) -> Json:
    """The schema with fields that may be missing."""
    return frame | {"properties": frame["properties"] | optional}


def _event() -> Json:
    return {"oneOf": [{"$ref": f"./{name_of(event).schema_path}"} for event in event_types(NOTIFICATIONS)]}


FROM_CLIENT: dict[str, tuple[str, Json]] = {
    "authenticate": (
        "First, within five seconds, and again before the access token expires.",
        _frame("authenticate", access_token={"type": "string"}),
    ),
    "ping": ("At will.", _frame("ping")),
}
FROM_SERVER: dict[str, tuple[str, Json]] = {
    "ready": ("The socket is served from this cursor on.", _frame("ready", cursor=_CURSOR)),
    "event": (
        "An event of the topic `notifications`. Show an event id once: it may come again after a resume. "
        "`silent`, for a notification: count it, raise no pop-up; its reader does not want one, and why.",
        _with(_frame("event", cursor=_CURSOR, event=_event()), silent=_SILENT),
    ),
    "summary": (
        "So many pop-ups older than five minutes were missed; the newest of them by their ids.",
        _frame("summary", count={"type": "integer", "minimum": 1}, notification_ids=_NEWEST, cursor=_CURSOR),
    ),
    "resync": (
        "Events may be missing: load afresh and go on from this cursor.",
        _frame("resync", reason={"enum": [str(reason) for reason in get_args(ResyncReason)]}, cursor=_CURSOR),
    ),
    "authenticated": ("A later `authenticate` was accepted.", _frame("authenticated")),
    "pong": ("The answer to `ping`.", _frame("pong")),
}


def server() -> Json:
    """Where the notifier listens unless its settings say otherwise."""
    fields = NotifierSettings.model_fields
    return {
        _SERVER: {
            "host": f"{fields['host'].default}:{fields['port'].default}",
            "protocol": "ws",
            "description": "The notifier; elsewhere PUBLIC_PUSH_URL says where, by wss.",
        }
    }


def channel() -> Json:
    """The channel with both sides' messages."""
    endings = "; ".join(f"{code.value} {code.name.lower().replace('_', ' ')}" for code in Close)
    query = {"after": _CURSOR | {"description": "the newest cursor that the client got, to resume"}}
    return {
        CHANNEL: {
            "address": "/v1/stream",
            "description": f"Pushes to one signed-in person, JSON text both ways. Closed with: {endings}.",
            "servers": [{"$ref": f"#/servers/{_SERVER}"}],
            "messages": {
                name: {"$ref": f"#/components/messages/{CHANNEL}.{name}"}
                for name in (*FROM_CLIENT, *FROM_SERVER)
            },
            "bindings": {
                "ws": {
                    "method": "GET",
                    "query": {"type": "object", "properties": query},
                    "bindingVersion": "0.1.0",
                }
            },
        }
    }


def operations() -> Json:
    """What the notifier receives and sends there."""
    return {
        "notifier-receives-stream": _operation("receive", FROM_CLIENT),
        "notifier-sends-stream": _operation("send", FROM_SERVER),
    }


def _operation(action: str, messages: dict[str, tuple[str, Json]]) -> Json:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{CHANNEL}"},
        "messages": [{"$ref": f"#/channels/{CHANNEL}/messages/{name}"} for name in messages],
        "tags": [{"name": "notifier"}],
    }


def messages() -> Json:
    """The messages, for the document's components."""
    return {
        f"{CHANNEL}.{name}": {
            "name": name,
            "summary": summary,
            "contentType": "application/json",
            "payload": {
                "schemaFormat": f"application/schema+json;version={DIALECT.split('/')[-2]}",
                "schema": schema,
            },
        }
        for name, (summary, schema) in (FROM_CLIENT | FROM_SERVER).items()
    }
