import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.chat.state.emphasis import emphasised
from hubbub.terminal import harmless


def parts(written: str) -> list[tuple[str, str]]:
    found = emphasised(written)
    return [(found.text[span.start : span.end], span.kind) for span in found.spans]


@pytest.mark.parametrize(
    ("written", "text", "spans"),
    [
        ("plain", "plain", []),
        ("**very** good", "very good", [("very", "bold")]),
        ("*so* _so_", "so so", [("so", "italic"), ("so", "italic")]),
        ("~~gone~~", "gone", [("gone", "struck")]),
        ("`a *b* c`", "a *b* c", [("a *b* c", "code")]),
        ("2 * 3 * 4", "2 * 3 * 4", []),
        ("snake_case_name", "snake_case_name", []),
        ("** no **", "** no **", []),
        ("[bold]x[/bold]", "[bold]x[/bold]", []),
        ("> quoted", "▎ quoted", [("▎ quoted", "quote")]),
        ("see https://a.test/x.", "see https://a.test/x.", [("https://a.test/x", "link")]),
        ("(https://a.test/x_(y))", "(https://a.test/x_(y))", [("https://a.test/x_(y)", "link")]),
        ("javascript:x ftp://a.test", "javascript:x ftp://a.test", []),
        ("a\n```py\n*b*\n```\nc", "a\n*b*\nc", [("*b*", "block")]),
        ("```\nnever closed", "```\nnever closed", []),
    ],
)
def test_what_stands_out(written, text, spans):
    assert emphasised(written).text == text
    assert parts(written) == spans


@given(st.text(alphabet="*_~`> \n[]()ahtps:/.\x1b\u202e", max_size=200))
def test_spans_lie_in_the_text_and_the_text_is_harmless(written):
    found = emphasised(written)

    assert harmless(found.text) == found.text
    assert all(0 <= span.start < span.end <= len(found.text) for span in found.spans)
