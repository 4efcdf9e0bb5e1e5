"""crm: consumes all email.* topics, produces revocations and notifications, stores all in MongoDB."""
