"""The command language, and the commands by subject."""
