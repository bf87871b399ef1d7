"""Reports on the journal: counted, and written as text, CSV and HTML. Pure: values in, values and text out."""
