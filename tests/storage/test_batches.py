"""What a store tells of the posts that it writes together, for who counts them."""

from hubbub.domain.ids import room_log
from hubbub.storage.base import Store

from .drafting import ATTIC, LOUNGE, draft
from .posting import append, say


async def test_of_each_batch_is_told_how_many_posts_it_has(store: Store, batches: list[int]):
    await say(store, LOUNGE, "a", "b")
    await append(store, draft(LOUNGE, "c"), draft(room_log("nowhere"), "d"), draft(ATTIC, "e"))

    assert batches == [2, 3]
