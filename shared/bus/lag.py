"""The lag of a consumer as a metric: of the partitions that it holds now, of no others."""

from collections.abc import Mapping

from aiokafka import TopicPartition

from shared.telemetry.names import CONSUMER_LAG


class LagGauge:
    """One per consumer. A partition that another member has taken over is that member's to report."""

    def __init__(self) -> None:
        self._told: set[TopicPartition] = set()

    def show(self, lags: Mapping[TopicPartition, int]) -> None:
        """Messages that wait, of every partition that is held."""
        for partition in self._told - lags.keys():
            CONSUMER_LAG.remove(partition.topic, str(partition.partition))
        for partition, lag in lags.items():
            CONSUMER_LAG.labels(partition.topic, str(partition.partition)).set(lag)
        self._told = set(lags)
