"""What people wrote, as styled text. It is text and nothing else: no markup is ever read from it."""

from textual.content import Content, Span
from textual.style import Style

from hubbub.chat.state.emphasis import Kind, emphasised

_STYLES: dict[Kind, str] = {
    "bold": "bold",
    "italic": "italic",
    "struck": "strike",
    "code": "$accent on $code",
    "block": "$accent on $code",
    "quote": "$quiet",
    "link": "$secondary underline",
}


def written(text: str) -> Content:
    found = emphasised(text)
    spans: list[Span] = []
    for span in found.spans:
        spans.append(Span(span.start, span.end, _STYLES[span.kind]))
        if span.kind == "link":
            spans.append(Span(span.start, span.end, Style(link=found.text[span.start : span.end])))
    return Content(found.text, spans)
