"""What the notifier reads from Kafka: the live topic, and a stretch of one partition for one client."""
