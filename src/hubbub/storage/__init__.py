"""The logs, the people and the rooms, durably. Nothing here knows who is connected."""
