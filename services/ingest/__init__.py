"""Ingest: consumes email.revocations, produces email.sends and email.hits, stores only the spool."""
