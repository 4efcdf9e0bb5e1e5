"""crm's adapters to what is not the database: passwords, signing keys, the broker."""
