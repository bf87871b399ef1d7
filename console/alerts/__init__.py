"""Alerts: what the journal's entries are looked at for, and how people are told."""
