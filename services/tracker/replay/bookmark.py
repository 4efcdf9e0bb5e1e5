"""How far a replay has come, in a file beside it: what was asked, and the last message that is done."""

from datetime import datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

SourceName = Literal["archive", "kafka"]


class NoBookmark(ValueError):
    """There is none, or it can't be read."""


class Bookmark(BaseModel):
    """`until`: hits from then on belong to the live tracker. `after`: the place of the last message whose
    corrections are sent; None: none is. It names ids, never a person."""

    model_config = ConfigDict(extra="forbid")

    since: datetime
    until: datetime
    ruleset: str
    source: SourceName
    account_id: UUID | None = None
    message_id: UUID | None = None
    after: str | None = None
    sent: int = 0

    @classmethod
    def read(cls, path: Path) -> "Bookmark":
        """Raises NoBookmark."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise NoBookmark(f"there is no {path}: no replay was interrupted") from None
        except (OSError, ValidationError) as error:
            raise NoBookmark(f"{path} can't be read ({type(error).__name__}): begin anew") from None

    def write(self, path: Path) -> None:
        """All or nothing. Raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.new")
        beside.write_text(self.model_dump_json())
        beside.replace(path)
