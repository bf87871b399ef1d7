"""The database that the console and the worker share, and nothing that decides."""
