"""What crm decides: pure functions over its model."""
