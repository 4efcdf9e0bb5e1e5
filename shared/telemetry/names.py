"""Every metric, once. Dashboards and alert rules are checked against this list."""

from prometheus_client import Counter, Gauge, Histogram

# Fine around the aim (20 ms), then what a hold, a wait in the spool and an outage take.
_PUSH_S = (
    *(0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    *(10, 30, 60, 300),
)
# The driver gives up after 20 s; a transaction's command takes some milliseconds.
_DATABASE_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)

# process
SERVICE = Gauge("kaifu_service", "1: this service runs here", ["service"])
READY = Gauge("kaifu_ready", "1: /health/ready says yes")
CONNECTIONS_CLOSED = Counter(
    "kaifu_connections_closed_total", "HTTP connections ended for their client's sake or size", ["reason"]
)

# bus
EVENTS_CONSUMED = Counter("kaifu_events_consumed_total", "Events handled", ["topic"])
EVENTS_PUBLISHED = Counter("kaifu_events_published_total", "Events acknowledged by the broker", ["topic"])
DEAD_LETTERS = Counter(
    "kaifu_dead_letters_total", "Messages that could not be processed", ["topic", "reason"]
)
HANDLER_RETRIES = Counter("kaifu_handler_retries_total", "Batches tried again", ["topic"])
CONSUMER_LAG = Gauge("kaifu_consumer_lag", "Messages behind the high watermark", ["topic", "partition"])
CONSUMER_STOPPED = Gauge(
    "kaifu_consumer_stopped", "1: stopped by itself, too much of its topic can't be processed", ["consumer"]
)
PROGRESS_AGE = Gauge("kaifu_progress_age_seconds", "Since this process last moved forward", ["loop"])

# ingest
HITS = Counter("kaifu_hits_total", "Pixels and links served", ["endpoint", "durable"])
HITS_LOST = Counter("kaifu_hits_lost_total", "Hits served that nothing could store", ["endpoint"])
BAD_TOKENS = Counter("kaifu_bad_tokens_total", "Addresses that do not open", ["endpoint"])
REVOKED_HITS = Counter("kaifu_revoked_hits_total", "Hits on revoked messages, not recorded", ["endpoint"])
HITS_FOLDED = Counter(
    "kaifu_hits_folded_total", "Hits beyond the quota of their address: served and counted", ["endpoint"]
)
SPOOL_RECORDS = Gauge("kaifu_spool_records", "Hits on disk that the broker has not got yet")
SPOOL_BYTES = Gauge("kaifu_spool_bytes", "Size of the hits on disk")
SPOOL_LIMIT_BYTES = Gauge("kaifu_spool_limit_bytes", "What the spool may hold, by its setting and its disk")
SPOOL_OLDEST_AGE = Gauge("kaifu_spool_oldest_age_seconds", "Since the oldest hit on disk came; 0: none")
SPOOL_WRITABLE = Gauge("kaifu_spool_writable", "0: the last write to the spool failed")
SPOOL_DRAINED = Counter("kaifu_spool_drained_total", "Hits taken from disk to the broker")
PREPARED = Counter("kaifu_messages_prepared_total", "Prepared messages", ["tracked", "logged"])
REFUSED = Counter("kaifu_requests_refused_total", "Requests answered with a problem", ["problem"])

# tracker
VERDICTS = Counter("kaifu_verdicts_total", "Verdicts given", ["verdict", "kind"])
HELD_HITS = Gauge("kaifu_held_hits", "Suspicious hits whose telling waits for a burst to show")
PENDING_HITS = Gauge("kaifu_pending_hits", "Hits whose message is not confirmed yet")

# logger
LOG_DECISIONS = Counter("kaifu_log_decisions_total", "Logging decisions", ["outcome"])

# notifier
SOCKETS = Gauge("kaifu_sockets", "Open WebSocket connections")
PUSHES = Counter("kaifu_pushes_total", "Events written to sockets", ["type"])
PUSH_LATENCY = Histogram("kaifu_push_latency_seconds", "From the hit to the socket", buckets=_PUSH_S)
NOTIFICATIONS_UNREADABLE = Counter(
    "kaifu_notifications_unreadable_total", "Events that no screen can be told"
)
RESYNCS = Counter("kaifu_resyncs_total", "Clients told to load afresh", ["reason"])
SOCKETS_CLOSED = Counter("kaifu_sockets_closed_total", "Sockets closed by us", ["reason"])
SOCKETS_REFUSED = Counter("kaifu_sockets_refused_total", "Handshakes refused: too many sockets are open")

# crm
ENGAGEMENTS_STORED = Counter("kaifu_engagements_stored_total", "Engagements written", ["kind"])
OUTBOX_WAITING = Gauge("kaifu_outbox_waiting", "Events written but not yet published")
LETTERS_OLDEST_AGE = Gauge(
    "kaifu_letters_oldest_age_seconds",
    "Since the oldest mail that waits for the relay was asked for; 0: none",
)
WEBHOOK_ATTEMPTS = Counter("kaifu_webhook_attempts_total", "Attempts to reach webhooks", ["outcome"])
DATABASE_SECONDS = Histogram(
    "kaifu_database_seconds", "Commands of the database, until its answer", ["command"], buckets=_DATABASE_S
)
DATABASE_FAILURES = Counter("kaifu_database_failures_total", "Commands not done by the database", ["reason"])
SIGN_INS = Counter("kaifu_sign_ins_total", "Sign-ins", ["outcome"])
