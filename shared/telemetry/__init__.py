"""Logs, traces and metrics: one format, one list of names."""
