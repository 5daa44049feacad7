"""Ids nobody can guess, and tokens."""

import os
import re

from hubbub.service.tokens import looks_like_a_token, new_token, opaque_id, token_hash


def test_a_token_carries_256_random_bits_and_says_where_it_is_from():
    asked = []
    token = new_token(lambda size: asked.append(size) or bytes(range(size)))
    assert asked == [32]
    assert re.fullmatch(r"hb_[A-Za-z0-9_-]{43}", token)
    assert looks_like_a_token(token)


def test_no_two_tokens_are_alike():
    assert len({new_token(os.urandom) for _ in range(1000)}) == 1000


def test_what_is_no_token_is_known_without_asking_the_store():
    token = new_token(os.urandom)
    for text in ("", "hb_", token[:-1], token + "A", "xx_" + token[3:]):
        assert not looks_like_a_token(text)


def test_a_token_cannot_be_read_back_from_its_hash():
    token = new_token(os.urandom)
    assert len(token_hash(token)) == 32
    assert token.encode() not in token_hash(token)
    assert token_hash(token) == token_hash(token)


def test_an_id_uses_every_letter_of_its_alphabet_and_no_other():
    letters = opaque_id(lambda size: bytes(range(size)), 256)
    assert len(set(letters)) == 32
    assert re.fullmatch(r"[0-9a-hjkmnp-tv-z]+", letters)


def test_an_id_is_as_long_as_asked():
    assert len(opaque_id(os.urandom, 12)) == 12
