"""Tracker: consumes email.sends, email.hits and email.revocations (`kaifu replay` email.engagements too),
produces email.engagements and notifications, stores a local cache of sent mail that may be deleted at any
time."""
