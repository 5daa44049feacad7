import pytest

from hubbub.domain import policy
from hubbub.domain.errors import BadInput, TooLarge


@pytest.mark.parametrize("given", ["ada", "Ada", "a", "0", "a.b_c-d", "x" * 32])
def test_a_handle_is_kept_in_lower_case(given: str) -> None:
    assert policy.user_name(given) == given.lower()


@pytest.mark.parametrize("given", ["", ".ada", "-", "_x", "a b", "ädä", "x" * 33, "ada\n", "ada/", "\u212a"])
def test_what_could_not_be_typed_again_is_no_handle(given: str) -> None:
    with pytest.raises(BadInput) as refused:
        policy.user_name(given)
    assert refused.value.members == {"field": "name"}


def test_a_room_name_is_trimmed_and_normalised() -> None:
    assert policy.room_name("  Cafe\u0301 \t") == "Caf\u00e9"


@pytest.mark.parametrize("name", ["x" * 80, "общая", "雑談", "گپ\u200cوگو", "🎉 party"])
def test_any_script_may_name_a_room(name: str) -> None:
    assert policy.room_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "   ", "x" * 81, "a\nb", "a\0b", "\u202egnp.exe", "in\u200bvisible", "\ufeff"]
)
def test_names_that_deceive_are_refused(name: str) -> None:
    with pytest.raises(BadInput):
        policy.room_name(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Lobby", "lOBBY"),
        ("Straße", "STRASSE"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("ﬁsh", "fish"),
        ("a  b", "a b"),
    ],
)
def test_names_that_read_alike_are_one_name(one: str, other: str) -> None:
    assert policy.folded(one) == policy.folded(other)


def test_different_names_stay_different() -> None:
    assert policy.folded("cafe") != policy.folded("café")


@pytest.mark.parametrize("text", ["x", "x" * 16_384, "é" * 8_192, "🎉" * 4_096, "\n"])
def test_a_text_is_measured_in_bytes(text: str) -> None:
    policy.check_text(text)


@pytest.mark.parametrize("text", ["x" * 16_385, "é" * 8_193, "🎉" * 4_097])
def test_a_text_over_the_limit_is_too_large(text: str) -> None:
    with pytest.raises(TooLarge) as refused:
        policy.check_text(text)
    assert refused.value.members == {"limit_bytes": 16_384}


@pytest.mark.parametrize("text", ["", "a\0b"])
def test_an_empty_text_or_one_with_nul_is_bad(text: str) -> None:
    with pytest.raises(BadInput):
        policy.check_text(text)


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 129, "é", "a\x7f"])
def test_a_key_is_visible_ascii(key: str) -> None:
    with pytest.raises(BadInput):
        policy.check_key(key)
    policy.check_key("x" * 128)
