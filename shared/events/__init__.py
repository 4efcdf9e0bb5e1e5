"""The events that services exchange: one catalogue of topics, one model per event, one codec."""
