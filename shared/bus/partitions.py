"""Which partition a key goes to: the same for every Kafka client, so that streams of one key meet."""

from murmurhash2 import murmurhash2

_SEED = 0x9747B28C  # Kafka's, org.apache.kafka.common.utils.Utils.murmur2
_POSITIVE = 0x7FFFFFFF


def partition_of(key: bytes, partitions: int) -> int:
    """The partition, from 0, that Kafka's default partitioner chooses for the key of a message."""
    hashed: int = murmurhash2(key, _SEED)
    return (hashed & _POSITIVE) % partitions
