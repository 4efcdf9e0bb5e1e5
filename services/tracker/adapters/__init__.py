"""The drivers: Kafka and the local cache."""
