"""What can go wrong with the database, in crm's words."""


class DatabaseAway(RuntimeError):
    """The database does not answer. Consumers try again; a request is answered with 503."""


class AlreadyThere(ValueError):
    """A document with this key exists."""


class NotPrepared(RuntimeError):
    """Indexes are missing and this user may not make them; the message says what to run."""
