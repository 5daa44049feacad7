"""The load generator behind `hubbub bench`: one machine's worth of clients that check all they are told.

It knows the wire and how to start a server as a command. It knows nothing of how a server works inside.
"""
