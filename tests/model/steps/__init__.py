"""The rules of the machine, by what they are about."""
