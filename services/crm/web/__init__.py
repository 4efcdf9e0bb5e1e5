"""crm's pages, in English and Japanese: FastAPI, Jinja2, htmx over the same application as the JSON API."""
