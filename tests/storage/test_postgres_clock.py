"""How a node finds out what time it is at the database."""

import pytest

from hubbub.storage.postgres.clock import Clock


class Two:
    """A node's clock and the database's, and how long the answers of the latter take."""

    def __init__(self, *, apart_ms: int) -> None:
        self.apart_ms = apart_ms
        self.now_ms = 1_000_000.0
        self.ways_ms: list[tuple[float, float]] = []
        self.clock = Clock(lambda: int(self.now_ms), lambda: self.now_ms / 1000)

    async def ask(self, *ways_ms: tuple[float, float]) -> int:
        """With answers that take so long there, and so long back; by how much the node is wrong then."""
        self.ways_ms = list(ways_ms)
        await self.clock.ask(self._their_now_ms)
        return round(self.clock.now_ms() - (self.now_ms + self.apart_ms))

    async def _their_now_ms(self) -> int:
        there, back = self.ways_ms.pop(0)
        self.now_ms += there
        theirs = int(self.now_ms + self.apart_ms)
        self.now_ms += back
        return theirs


@pytest.mark.parametrize("apart_ms", [-3_600_000, -20, 0, 20, 3_600_000])
async def test_a_node_goes_by_the_databases_clock_however_far_its_own_is_off(apart_ms):
    two = Two(apart_ms=apart_ms)

    assert abs(await two.ask((2, 2), (2, 2), (2, 2))) <= 1


async def test_of_several_answers_the_quickest_is_believed():
    two = Two(apart_ms=500)

    assert abs(await two.ask((400, 2), (3, 3), (0, 900))) <= 1


async def test_an_answer_that_is_slow_to_come_moves_no_clock():
    two = Two(apart_ms=500)
    await two.ask((1, 1), (1, 1), (1, 1))

    assert abs(await two.ask((900, 10), (800, 10), (10, 700))) <= 1


async def test_a_clock_that_was_set_is_found_out_by_the_next_answer():
    two = Two(apart_ms=500)
    await two.ask((1, 1), (1, 1), (1, 1))
    two.apart_ms = -7_200_000

    assert abs(await two.ask((30, 2), (30, 2), (30, 2))) <= 30
