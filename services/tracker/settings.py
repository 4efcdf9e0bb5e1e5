"""Settings of the tracker, from the environment (KAIFU_TRACKER_...)."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.tracker.rules.rulesets import CURRENT, RULESETS, RuleSet


def _known(version: str) -> str:
    if version not in RULESETS:
        raise ValueError(f"known are {', '.join(RULESETS)}")
    return version


class TrackerSettings(BaseSettings):
    """Where the cache is, and how much is held."""

    model_config = SettingsConfigDict(env_prefix="KAIFU_TRACKER_")

    state: Path = Field(default=Path("var/tracker"), description="folder of the cache; may be deleted")
    horizon_hours: float = Field(
        default=24, gt=1, description="a hit may wait so long for its message, and be judged again so long"
    )
    memory_messages: int = Field(
        default=300_000, ge=1, description="messages with recent hits in memory, per partition"
    )
    batch: int = Field(default=2000, ge=1, description="records handled before their effects are published")
    hold_s: float = Field(
        default=8, ge=0, le=60, description="how long telling of a suspicious hit waits for a burst to show"
    )
    ruleset: Annotated[str, AfterValidator(_known)] = Field(
        default=CURRENT.version,
        description="rules that judge; an earlier set undoes what a later one got wrong",
    )
    commit_interval_s: float = Field(default=0.2, ge=0, description="offsets are committed at most so often")

    @property
    def hold(self) -> timedelta:
        """`hold_s` as a span."""
        return timedelta(seconds=self.hold_s)

    @property
    def rules(self) -> RuleSet:
        """The set that `ruleset` names."""
        return RULESETS[self.ruleset]

    @property
    def horizon(self) -> timedelta:
        """`horizon_hours` as a span."""
        return timedelta(hours=self.horizon_hours)
