"""What ingest and logger ask crm: the contract, and a client with a deadline."""
