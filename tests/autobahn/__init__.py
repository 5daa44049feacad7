"""WebSocket by the cases of the Autobahn test suite: the suite itself, and tests of ours by its numbers."""
