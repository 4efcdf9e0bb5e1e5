"""The base of crm's values, and pages of them."""

from collections.abc import Callable
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Row = TypeVar("Row")
Other = TypeVar("Other")


class Model(BaseModel):
    """An immutable value. Fields of a newer release's documents are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Page(Model, Generic[Row]):
    """Some rows, newest first, and how to go on."""

    items: tuple[Row, ...]
    next: str | None = Field(default=None, description="pass as `after`; null: that was the last page")

    def map(self, change: Callable[[Row], Other]) -> "Page[Other]":
        """The same page with other rows."""
        return Page(items=tuple(change(row) for row in self.items), next=self.next)
