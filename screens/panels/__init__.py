"""One file a panel, named as on the 5250."""
