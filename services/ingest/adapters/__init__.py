"""The drivers of ingest: Kafka, the spool's files, the tracking origin's sockets, crm's directory."""
