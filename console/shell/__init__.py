"""What the verbs of the shell do; options and exit codes are the business of `console.__main__`."""
