"""The server is killed and comes back while people write: nothing is lost or doubled on the screen."""

from hubbub.client import Client
from support.deadline import deadline
from support.process import Process
from support.seeded import token_of

from .seat import seated


async def test_what_is_written_while_the_server_is_away_is_there_once_when_it_is_back(data, tmp_path):
    async with Process(data) as server, Client(server.url, token=token_of("bob")) as bob:
        async with deadline():
            room = await bob.create_room("Lounge")
            await bob.post("before", room=room)
        async with seated(tmp_path, server.url) as ada:
            await ada.opens(room)
            await ada.says("stored")
            await ada.until(lambda: ada.said == ["before", "stored"] and not ada.fates)

            await server.kill()
            await ada.until(lambda: not ada.sees("● live"))
            await ada.says("waits 1")
            await ada.says("waits 2")
            await ada.shows("waiting for the connection")
            assert ada.said == ["before", "stored", "waits 1", "waits 2"]

            await server.start()
            async with deadline():
                await bob.post("from bob", room=room)
            await ada.press("ctrl+l")

            everything = ["before", "from bob", "stored", "waits 1", "waits 2"]
            await ada.until(lambda: not ada.fates and sorted(ada.said) == everything)
            await ada.live()
            async with deadline():
                stored = [event.text async for event in bob.history(room, after=0)]
            assert ada.said == stored


async def test_a_place_that_could_not_be_read_is_read_when_the_server_is_back(data, tmp_path):
    async with Process(data) as server, Client(server.url, token=token_of("bob")) as bob:
        async with deadline():
            room = await bob.create_room("Lounge")
            await bob.post("before", room=room)
        async with seated(tmp_path, server.url) as ada:
            await server.kill()
            await ada.until(lambda: not ada.sees("● live"))
            await ada.opens(room)
            await ada.shows("no connection to")

            await server.start()
            await ada.press("ctrl+l")

            await ada.until(lambda: ada.said == ["before"])
