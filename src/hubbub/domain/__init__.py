"""What hubbub is about: people, rooms, messages and the logs they stand in.

Pure values, valid from birth, and the rules they follow. Nothing here knows JSON, SQL, sockets
or clocks. Values are `msgspec.Struct`s because those are built ten times faster than frozen
dataclasses, and one is built for each message; that they could also be encoded is used by the
protocol floor only.
"""
