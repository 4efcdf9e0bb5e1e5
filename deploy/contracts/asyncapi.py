"""The AsyncAPI 3.0 document: all topics, from the catalogue, and the stream of pushes."""

from typing import Any

from deploy.contracts import stream
from deploy.contracts.schemas import DIALECT, all_events, name_of
from shared.bus.dead_letters import CONSUMER, ORIGIN, REASON
from shared.events.base import Event
from shared.events.catalogue import DEAD_LETTER_RETENTION, TOPICS, Topic, event_types
from shared.settings import KafkaSettings

_BINDING = "0.5.0"
_DEAD_LETTER = "dead_letter"
Json = dict[str, Any]


def document(version: str) -> Json:
    """The document; `version` is that of the product. Channels are named as their topics."""
    channels: Json = {}
    operations: Json = {}
    for topic in TOPICS:
        channels[topic.name] = _channel(topic)
        channels[topic.dead_letters] = _dead_letter_channel(topic)
        operations |= _operations(topic)
    messages = {_message_name(event): _message(topic, event) for topic, event in all_events()}
    return {
        "asyncapi": "3.0.0",
        "info": _info(version),
        "defaultContentType": "application/json",
        "servers": {"broker": _server()} | stream.server(),
        "channels": channels | stream.channel(),
        "operations": operations | stream.operations(),
        "components": {
            "messages": messages | {_DEAD_LETTER: _dead_letter()} | stream.messages(),
            "messageTraits": {"traced": _traced()},
        },
    }


def _info(version: str) -> Json:
    return {
        "title": "Kaifu events",
        "version": version,
        "description": (
            "What Kaifu's services tell each other over Kafka, and what they push to screens over a "
            "WebSocket. Delivery is at least once; every event has an `event_id`, and applying one twice has "
            "one effect. Ignore fields that you do not know. "
            "Partition and replica counts are defaults of the settings."
        ),
    }


def _server() -> Json:
    return {
        "host": _default("bootstrap"),
        "protocol": "kafka",
        "description": "The embedded broker; elsewhere KAIFU_KAFKA_BOOTSTRAP says where.",
    }


def _default(setting: str) -> Any:
    """Not the environment's value: the document is the same on every machine."""
    return KafkaSettings.model_fields[setting].default


def _channel(topic: Topic) -> Json:
    messages = {_message_name(event): _ref_message(_message_name(event)) for event in event_types(topic)}
    return {
        "address": topic.name,
        "description": f"{topic.description} Owned by {topic.owner}; key: {topic.key}.",
        "servers": [{"$ref": "#/servers/broker"}],
        "messages": messages,
        "bindings": {"kafka": _kafka(_default("partitions"), topic.broker_config())},
    }


def _dead_letter_channel(topic: Topic) -> Json:
    retention = str(int(DEAD_LETTER_RETENTION.total_seconds() * 1000))
    return {
        "address": topic.dead_letters,
        "description": f"What a consumer of {topic.name} could not process, as it came, with the reason.",
        "servers": [{"$ref": "#/servers/broker"}],
        "messages": {_DEAD_LETTER: _ref_message(_DEAD_LETTER)},
        "bindings": {"kafka": _kafka(1, {"cleanup.policy": "delete", "retention.ms": retention})},
    }


def _kafka(partitions: int, config: dict[str, str]) -> Json:
    typed: Json = {"cleanup.policy": config["cleanup.policy"].split(",")}
    if "retention.ms" in config:
        typed["retention.ms"] = int(config["retention.ms"])
    return {
        "partitions": partitions,
        "replicas": _default("replication"),
        "topicConfiguration": typed,
        "bindingVersion": _BINDING,
    }


def _operations(topic: Topic) -> Json:
    names = [_message_name(event) for event in event_types(topic)]
    operations = {
        f"{service}-sends-{topic.name}": _operation("send", service, topic.name, names)
        for service in topic.producers
    }
    for service in topic.consumers:
        operations[f"{service}-receives-{topic.name}"] = _operation("receive", service, topic.name, names)
        operations[f"{service}-sends-{topic.dead_letters}"] = _operation(
            "send", service, topic.dead_letters, [_DEAD_LETTER]
        )
    return operations


def _operation(action: str, service: str, channel: str, messages: list[str]) -> Json:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
        "tags": [{"name": service}],
    }


def _message_name(event: type[Event]) -> str:
    name = name_of(event)
    return f"{name.type}.{name.version}"


def _ref_message(name: str) -> Json:
    return {"$ref": f"#/components/messages/{name}"}


def _message(topic: Topic, event: type[Event]) -> Json:
    name = name_of(event)
    return {
        "name": name.type,
        "title": event.__name__,
        "summary": " ".join((event.__doc__ or "").split("\n\n")[0].split()),
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/traced"}],
        "payload": {
            "schemaFormat": f"application/schema+json;version={DIALECT.split('/')[-2]}",
            "schema": {"$ref": f"./{name.schema_path}"},
        },
        "bindings": {"kafka": {"key": _key(topic), "bindingVersion": _BINDING}},
    }


def _key(topic: Topic) -> Json:
    return {"type": "string", "format": "uuid", "description": topic.key}


def _traced() -> Json:
    parent = {"type": "string", "description": "W3C trace context; only when the trace is sampled or begun"}
    return {"headers": {"type": "object", "properties": {"traceparent": parent}}}


def _dead_letter() -> Json:
    headers = {
        REASON: {"type": "string", "description": "a slug, and after a colon its detail; quotes no value"},
        ORIGIN: {"type": "string", "description": "topic/partition/offset of the message"},
        CONSUMER: {"type": "string", "description": "the consumer group that could not process it"},
    }
    return {
        "name": _DEAD_LETTER,
        "title": "DeadLetter",
        "summary": "A message as it came: its key and value are whatever they were.",
        "headers": {"type": "object", "required": list(headers), "properties": headers},
        "payload": {},
    }
