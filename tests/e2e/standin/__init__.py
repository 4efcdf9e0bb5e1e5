"""A stand-in for Gmail's page that InboxSDK boots on, served as https://mail.google.com/."""
