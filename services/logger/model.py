"""The logger's values are those of the rules: a decision before it becomes an event."""

from shared.log_rules.decision import Decision as Decision
