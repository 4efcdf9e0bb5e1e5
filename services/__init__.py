"""The five services of Kaifu; none imports another (they meet in Kafka and over HTTP)."""
