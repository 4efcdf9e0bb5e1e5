"""Kaifu under faults: what was acknowledged is compared with Kafka, MongoDB and what screens were told."""
