"""Accept-Encoding: RFC 9110, section 12.5.3."""

import pytest

from hubbub.api.built import preferred

ALL = ("identity", "br", "gzip")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, "identity"),
        ("", "identity"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("GZip", "gzip"),
        ("deflate, zstd", "identity"),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("br;q=0, gzip;q=0, *", "identity"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=0.001", "br"),
        ("br ; q=0.5 , gzip ; q=0.5", "br"),
        ("identity, br;q=0.5", "identity"),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("identity;q=0, gzip;q=0.1", "gzip"),
        ("identity;q=0", "identity"),
        ("*;q=0", "identity"),
        ("br;q=2, gzip;q=nan, deflate", "identity"),
        ("br;q=-1", "identity"),
        ("brr, xbr, br-", "identity"),
        (",;,=,q=1,;q=1", "identity"),
        ("br," * 5000, "br"),
    ],
)
def test_the_best_liked_coding_that_is_there_is_chosen(accept, chosen):
    assert preferred(accept, ALL) == chosen


def test_a_coding_that_a_file_is_not_there_in_is_not_chosen():
    assert preferred("br, gzip;q=0.1", ("identity", "gzip")) == "gzip"
    assert preferred("br, gzip", ("identity",)) == "identity"
