"""What takes Apache Kafka itself, from its jars: users and their rights."""
