"""The bus of a server that has no others beside it."""


class NoBus:
    """A Bus: there is nobody to hear."""

    up = True

    def send(self, channel: str, message: bytes) -> None:
        pass

    async def listen(self, channel: str) -> None:
        pass

    def unlisten(self, channel: str) -> None:
        pass

    async def close(self) -> None:
        pass
