"""Values to documents and back."""

from typing import TypeVar

from services.crm.model.base import Model
from services.crm.store.database import Document

Value = TypeVar("Value", bound=Model)


def document(value: Model) -> Document:
    """The fields; `id` becomes the document's key and is given apart."""
    return value.model_dump(exclude={"id"})


def value(kind: type[Value], found: Document) -> Value:
    """The value of a document."""
    return kind.model_validate({**found, "id": found["_id"]})
