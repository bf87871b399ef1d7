"""Rows of the store and the words they use; empty on purpose, so that a guard can take the words without SQLAlchemy."""
