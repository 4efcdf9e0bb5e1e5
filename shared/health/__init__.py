"""Probes by progress: a service is ready while its loops move, never because it is merely up."""
