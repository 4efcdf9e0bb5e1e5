"""Everything that talks to MongoDB; nothing outside of here imports a driver.

Every document belongs to an account, and every method names the account first, so that a query
across accounts can't be written. The exceptions are in `identities`, where a secret (a cookie, a
code, a sign-in address) is what tells the account, and in `upkeep`, which sees no content.
"""
