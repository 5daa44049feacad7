"""A full-screen client in the terminal: rooms, people, history, live.

`state` is what is known and shown, as values, and what each thing that happens makes of it; `talk` does
what has to be done in the world for it; `ui` shows it, with textual. Knows the Python client, what terminal
clients share, the protocol and the domain, and nothing of the server. Reads no environment.

Nothing here imports `ui`, for textual is an extra: the command line does, when it is asked to.
"""
