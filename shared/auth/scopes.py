"""What an API token may do: a part of what its maker may. A person who is signed in needs no scope."""

from enum import StrEnum


class Scope(StrEnum):
    """Named as integrators write them."""

    RECORDS_READ = "records.read"
    RECORDS_WRITE = "records.write"
    MAIL_READ = "mail.read"
    MAIL_WRITE = "mail.write"
    SETTINGS_READ = "settings.read"
    SETTINGS_WRITE = "settings.write"
