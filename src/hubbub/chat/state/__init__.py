"""What a chat client knows, as frozen values, and what becomes of it with each thing that happens.

Pure: no textual, no client, no clock, no task.
"""
