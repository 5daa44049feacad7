"""A message costs one encoding however many hear it, and each of them one write however many come at once."""

import pytest

from hubbub.bench.frames import frame
from performance.counting import encodes
from performance.crowd import crowd

ENCODES_A_POST = 2
"""The event, and its author's acknowledgement."""


@pytest.mark.parametrize("readers", [1, 10, 500])
async def test_a_message_is_encoded_once_however_many_hear_it(tmp_path, readers):
    async with crowd(tmp_path, readers) as people:
        with encodes() as made:
            await people.says(20)
    assert 20 <= made.count <= 20 * ENCODES_A_POST


@pytest.mark.parametrize("messages", [1, 10, 100])
async def test_what_comes_in_one_turn_is_one_write_for_each_reader(tmp_path, messages):
    async with crowd(tmp_path, 50) as people:
        await people.says(messages)
        author, *others = people.transports
        assert [len(each.writes) for each in others] == [1] * 49
        assert len(author.writes) == 1  # its acknowledgements go with what everybody hears


async def test_everyone_in_a_room_is_written_the_very_same_bytes(tmp_path):
    async with crowd(tmp_path, 50) as people:
        await people.says(10)
        assert len({id(each.writes[0]) for each in people.transports[1:]}) == 1


async def test_nobody_costs_anything_for_what_is_said_elsewhere(tmp_path):
    async with crowd(tmp_path, 50) as people:
        author, *others = people.transports
        people.connections[0].data_received(frame(b'{"type":"post","ref":1,"to":"bob","text":"psst"}'))
        await people.until(lambda: b'"posted"' in b"".join(author.writes))
        assert [each.writes for each in others] == [[]] * 49
