"""hubbub: a chat server people can trust with everything they say."""

__version__ = "0.1.0"
