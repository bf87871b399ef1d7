"""A 5250 display without a display: cells, fields, cursor, keyboard states. Knows no Textual."""
