"""Bugs that are planted in a copy of the source, each of which a named test has to catch."""
