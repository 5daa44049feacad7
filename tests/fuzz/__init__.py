"""Input that nobody thought of: what is fed with it, what must hold whatever it is, and how to look for more."""
