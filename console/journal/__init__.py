"""QAUDJRN: entries, their chain, and the one writer."""
