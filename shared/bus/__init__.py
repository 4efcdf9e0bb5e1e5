"""Kafka as Kaifu uses it: produce and consume events of the catalogue, dead letters, topics."""
