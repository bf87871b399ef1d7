"""Greenwall without its screens: policy, store, journal, enforcement and the command language."""
