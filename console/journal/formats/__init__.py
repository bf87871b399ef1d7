"""A journal entry as one line, in each of the formats that programs elsewhere read; pure."""
