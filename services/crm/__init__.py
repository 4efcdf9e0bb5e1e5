"""crm: consumes all email.* topics, produces revocations, notifications and
notification-policies, stores all in MongoDB."""
