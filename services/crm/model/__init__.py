"""What crm knows, as immutable values: no driver, no clock."""
