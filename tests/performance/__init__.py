"""What the product costs, in counts that are the same on every machine: never in time.

Everything is counted from outside, at the edges that stay where they are: bytes a connection is given and
writes, statements SQLite runs, syncs the disk is asked for, calls of the JSON encoder.
"""
