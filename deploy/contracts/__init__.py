"""Contracts: the documents in `contracts/`, generated from the code and held against it."""
