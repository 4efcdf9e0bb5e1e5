"""Who is asking: access tokens made by crm, verified offline by every service."""
