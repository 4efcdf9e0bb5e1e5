"""The extension in a real Chromium, on a stand-in for Gmail's page, against the real services."""
