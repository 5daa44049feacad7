"""A small reference of the whole wire, and machines that hold a real server to it."""
