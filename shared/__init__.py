"""What all services agree on: events, bus, tokens, sign-in, telemetry, health."""
