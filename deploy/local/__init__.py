"""Kaifu on one machine: broker, database and the five services as processes of one runner (`make up`)."""
