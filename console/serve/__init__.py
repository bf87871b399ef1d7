"""The console over SSH: who may come in, one console a session, and what of it is journalled."""
