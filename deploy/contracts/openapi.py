"""OpenAPI documents of the HTTP APIs. Each service says what its application is; this only asks."""

import importlib
from typing import Any

# Where each API's document is made: a function without arguments that needs no broker or database.
SOURCES: dict[str, tuple[str, str]] = {}


def document(service: str) -> dict[str, Any]:
    """The OpenAPI document of one service."""
    module, function = SOURCES[service]
    result: dict[str, Any] = getattr(importlib.import_module(module), function)()
    return result
