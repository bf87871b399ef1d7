"""Reads SK records that a real IBM i has written out, as CSV; pure but for `take_in`."""
