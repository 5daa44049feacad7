"""Where a room's history has a hole, or is another than it was: it is said, and never passed over."""

import os

from playwright.async_api import expect

from hubbub.protocol.frames import GapFrame
from hubbub.storage.sqlite.backup import Restore, backing_up
from support.deadline import deadline


async def test_messages_that_were_removed_are_said_to_be(lounge):
    await lounge.says("bob", "one", "two", "three", "four")
    lounge.clock.put_forward(days=2)
    await lounge.opens_again(retention_days=1)
    async with lounge.api("ada") as client, deadline():
        while not isinstance((await client.page(lounge.room, after=0) or [None])[0], GapFrame):
            pass
    await lounge.says("bob", "five")
    ada = await lounge.person("ada")
    await ada.enters(lounge.room)
    await ada.hears("five")
    await expect(ada.screen.log).to_contain_text("removed")
    await expect(ada.screen.said("one")).to_have_count(0)


async def test_after_a_restore_from_a_backup_the_room_is_read_anew(lounge):
    """The numbers go on, and mean other messages than before: what stood there is replaced."""
    lounge.forgives_a_lost_connection()
    lounge.forgives(r"status of 409")
    await lounge.says("bob", "one", "two")
    ada = await lounge.person("ada")
    await ada.enters(lounge.room)
    await ada.hears("two")
    backup = lounge.data.parent / "backup.db"
    with backing_up(lounge.data / "hubbub.db", backup):
        pass
    await lounge.says("bob", "three", "four")
    await ada.hears("three", "four")

    port = lounge.server.address.port
    await lounge.closes()
    with Restore(backup, lounge.data, replace=True) as copy:
        copy.bring_up(os.urandom)
        copy.finish(os.urandom, keep_sessions=True, aside="replaced")
    await lounge.opens(port=port)
    await lounge.says("bob", "THREE", "FOUR", "FIVE")
    await ada.hears("THREE", "FOUR", "FIVE")
    await ada.sees_what_is_stored()
