"""Settings that no manifest sets, and why their defaults are right on a cluster.

A setting that is neither set by the manifests nor named here fails
`tests/contract/test_manifest_settings.py`, and so does an entry for one that is set or gone.
"""

from collections.abc import Mapping

KEPT: Mapping[str, Mapping[str, str]] = {
    "KafkaSettings": {
        "session_timeout_ms": "a pod that is moved leaves its group in order; this is for one that dies",
        "heartbeat_interval_ms": "a tenth of the session",
        "fetch_max_wait_ms": "Apache Kafka answers as soon as there is something",
    },
    "TelemetrySettings": {
        "otlp_endpoint": "whoever runs a collector sets it in an overlay, which also opens the network",
        "otlp_metrics_interval_s": "of no consequence without a collector",
        "trace_ratio": "of no consequence without a collector",
    },
    "OpsSettings": {
        "stalled_after_s": "longer than any pause that is made on purpose",
        "killed_after_s": "three times that",
    },
    "PublicAddresses": {},
    "DirectorySettings": {"deadline_s": "follows from the 1.5 s that the extension waits"},
    "IngestSettings": {
        "direct_clients": "the gateway stands in front",
        "acknowledged_within_ms": "a promise of the product, not of a place",
        "broker_timeout_ms": "long enough for a leader to move",
        "account_requests_per_s": "far above what people send",
        "account_requests_burst": "ten seconds of it",
        "token_hits_per_s": "far above what a mail's readers fetch",
        "token_hits_burst": "more than the most recipients of one mail",
        "max_connections": "a proxy keeps few; below the memory limit",
    },
    "TrackerSettings": {
        "horizon_hours": "a rule of the product; every replica needs the same",
        "batch": "measured; bounds the memory of a turn",
        "commit_interval_s": "measured; bounds what is repeated after a crash",
        "hold_s": "a rule of the product; every replica needs the same",
        "ruleset": "set by hand, with a replay, when a rule set is undone",
    },
    "LoggerSettings": {
        "commit_interval_s": "bounds what is repeated after a crash",
        "look_interval_s": "finer than any alert",
    },
    "NotifierSettings": {
        "ring_span_s": "above a token's lifetime",
        "ring_events": "some 50 MB, within the memory limit",
        "seen_events": "as many as the ring holds",
        "replay_records": "bounds what one resume may cost",
        "replay_events": "bounds the memory of one resume",
        "replay_deadline_s": "a client tries again",
        "replays_at_once": "bounds what many resumes cost together",
        "socket_queue": "a slower client resumes from its cursor",
        "sockets_per_user": "more than a person has screens",
        "sockets": "at some 30 kB each, within the memory limit",
        "first_message_s": "a browser sends its token at once",
        "max_message_bytes": "a token fits",
        "ping_interval_s": "shorter than the idle time of common proxies",
        "look_interval_s": "finer than any alert",
    },
    "CrmSettings": {
        "smtp_ca_file": "a relay on the net has a certificate of a public authority",
        "webhook_http_to_loopback": "for trying webhooks out on one's own machine",
        "places": "no folder is mounted there: countries only, until an overlay mounts one",
    },
}
