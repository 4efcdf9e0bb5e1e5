"""crm over HTTP: one file per noun. Pages are in `services.crm.web`."""
