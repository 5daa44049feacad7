"""Input that nobody thought of: what is fed with it, what must hold whatever it is, how to find more."""
