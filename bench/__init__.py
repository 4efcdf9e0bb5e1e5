"""Measured figures beside a reference, in interleaved rounds: `make bench`."""
