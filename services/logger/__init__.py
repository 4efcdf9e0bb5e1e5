"""logger: consumes email.sends, asks crm, produces email.log-decisions and notifications; stores nothing."""
