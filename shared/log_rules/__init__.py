"""The rules that decide where a sent mail is logged, and why."""
