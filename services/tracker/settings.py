"""Settings of the tracker, from the environment (KAIFU_TRACKER_...)."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


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
    commit_interval_s: float = Field(default=0.2, ge=0, description="offsets are committed at most so often")

    @property
    def horizon(self) -> timedelta:
        """`horizon_hours` as a span."""
        return timedelta(hours=self.horizon_hours)
