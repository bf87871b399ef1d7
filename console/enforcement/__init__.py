"""What intercepts socket calls, and the worker behind it."""
