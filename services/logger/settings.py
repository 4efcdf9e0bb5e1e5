"""logger's own settings; the broker's are `KAIFU_KAFKA_*`, crm's directory's `KAIFU_DIRECTORY_*`."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class LoggerSettings(BaseSettings):
    """The tempo of the logger."""

    model_config = SettingsConfigDict(env_prefix="KAIFU_LOGGER_")

    commit_interval_s: float = Field(
        default=1.0, gt=0, description="how much is repeated (without effect) after a crash"
    )
    look_interval_s: float = Field(default=2.0, gt=0, description="between two looks at lag and position")
