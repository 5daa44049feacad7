"""What examples are made of."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition

from model.world import KINDS

N = st.integers(0, 63)
TEXTS = st.sampled_from(["hi", "one", "two", "ünï 🦩", '"\\\n\u2028</script>']) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8
)
KEYS = st.sampled_from([None, None, "k1", "k2", "~" * 128])
PLACES = st.tuples(st.sampled_from(["room", "room", "room", "user", "user", "self", "nowhere", "nobody"]), N)
HEADS = st.sampled_from([None, None, None, None, "right", "behind", "ahead", "*", "stale"])
KIND = st.sampled_from(sorted(KINDS))
PUSHED = st.sampled_from(["sse", "ndjson"])
CURSORS = st.sampled_from(["none", "none", "bare", "bare", "bare", "epoch", "future", "stale"])
NAMES = st.sampled_from(
    [
        "Lounge",
        " LOUNGE ",
        "ｌｏｕｎｇｅ",
        "Straße",
        "STRASSE",
        "two  words",
        "Two\u00a0Words",
        "ﬁsh",
        "fish",
        "e\u0301t\u00e9",
        "ÉTÉ",
    ]
)
MEANWHILE = st.lists(N, max_size=3)
"""Who posts, while somebody does not hear it."""

BAD_BODIES: list[tuple[bytes, int, str, dict[str, Any]]] = [
    (b'{"text":""}', 400, "bad-input", {"field": "text"}),
    (b'{"text":"a\\u0000b"}', 400, "bad-input", {"field": "text"}),
    (b'{"text":7}', 400, "bad-input", {"field": "text"}),
    (b'{"text":null}', 400, "bad-input", {"field": "text"}),
    (b"{}", 400, "bad-input", {"field": "text"}),
    (b"[]", 400, "bad-input", {}),
    (b'{"text":', 400, "bad-input", {}),
    (b"[" * 100_000, 400, "bad-input", {}),
    (b'{"text":"\xff"}', 400, "bad-input", {}),
    (b'{"text":"\\ud800"}', 400, "bad-input", {}),
    (b'{"text":"%b"}' % (b"x" * 16_385), 413, "too-large", {"limit_bytes": 16_384}),
    (b'{"text":"%b"}' % ("ü" * 8193).encode(), 413, "too-large", {"limit_bytes": 16_384}),
]
FULL_ROOMS, FULL_EARS, FULL_SESSIONS = 5, 6, 12


def now_and_then(every: int) -> Any:
    """For what would fill an example if it came as often as posting and listening."""
    return precondition(lambda self: self.turn % every == every - 1)
