"""OpenAPI documents of the HTTP APIs, from the applications themselves."""

import importlib
from typing import Any

# Module, factory, and how many collaborators it takes: a document needs none of them, so each is None.
SOURCES = {
    "crm": ("services.crm.app", "create_app", 1),
    "ingest": ("services.ingest.api", "create_api", 3),
}


def document(service: str) -> dict[str, Any]:
    """The OpenAPI document of one service; no broker, database or environment is needed."""
    module, factory, collaborators = SOURCES[service]
    app = getattr(importlib.import_module(module), factory)(*[None] * collaborators)
    result: dict[str, Any] = app.openapi()
    return result
