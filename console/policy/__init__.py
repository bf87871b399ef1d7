"""Which calls are allowed: values in, values out; no socket, file, clock, environment or database."""
