"""Sealed tokens: what an address in a mail, a receipt or a cursor carries, unreadable and unforgeable."""
