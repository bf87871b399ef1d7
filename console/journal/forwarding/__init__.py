"""Sends the journal to syslog servers: what is sent, over what, and how far it has come."""
