"""The brand's colours: warm paper, coral, teal and plum, by day and by night."""

from textual.theme import Theme

from hubbub.terminal.texts import COLOURS, colour_of

LIGHT = "hubbub-light"
DARK = "hubbub-dark"

_PEOPLE_BY_DAY = ("#0f6e6a", "#4d6b1f", "#8a5a00", "#8a3d72", "#31599c", "#b03a24")
_PEOPLE_BY_NIGHT = ("#6cc5bd", "#a9c46c", "#e3b566", "#d794bd", "#8fb3ea", "#f0917a")


def person(name: str) -> str:
    """The theme's variable for somebody's colour: one of six, the same in everything in a terminal."""
    return f"$person-{COLOURS.index(colour_of(name))}"


def _variables(people: tuple[str, ...], **others: str) -> dict[str, str]:
    return {f"person-{number}": colour for number, colour in enumerate(people)} | {
        name.replace("_", "-"): colour for name, colour in others.items()
    }


THEMES = (
    Theme(
        name=LIGHT,
        dark=False,
        primary="#c4472b",  # coral, dark enough to be read on paper
        secondary="#0f6e6a",
        accent="#7a2f5d",
        success="#0f6e6a",
        warning="#8a5a00",
        error="#a8261d",
        foreground="#33291f",
        background="#fbf6ee",
        surface="#f4ecdf",
        panel="#eadfce",
        variables=_variables(
            _PEOPLE_BY_DAY,
            quiet="#6f6152",
            line="#dccdb8",
            code="#efe4d3",
            block_cursor_background="#c4472b",
            block_cursor_foreground="#fffaf2",
            block_cursor_text_style="bold",
            block_cursor_blurred_background="#eadfce",
            block_cursor_blurred_foreground="#33291f",
            input_selection_background="#c4472b 25%",
            screen_selection_background="#f3c9b4",
            screen_selection_foreground="#33291f",
            scrollbar="#dccdb8",
            scrollbar_hover="#c9b699",
            scrollbar_active="#c4472b",
            scrollbar_background="#fbf6ee",
            scrollbar_background_hover="#f4ecdf",
            scrollbar_background_active="#f4ecdf",
            border="#c4472b",
            border_blurred="#dccdb8",
        ),
    ),
    Theme(
        name=DARK,
        dark=True,
        primary="#f2876b",
        secondary="#6cc5bd",
        accent="#d794bd",
        success="#6cc5bd",
        warning="#e3b566",
        error="#f4776a",
        foreground="#eee4d6",
        background="#1d1820",
        surface="#261f29",
        panel="#332938",
        variables=_variables(
            _PEOPLE_BY_NIGHT,
            quiet="#a3949d",
            line="#43374a",
            code="#2f2634",
            block_cursor_background="#f2876b",
            block_cursor_foreground="#1d1820",
            block_cursor_text_style="bold",
            block_cursor_blurred_background="#332938",
            block_cursor_blurred_foreground="#eee4d6",
            input_selection_background="#f2876b 30%",
            screen_selection_background="#5c3f52",
            screen_selection_foreground="#fff6ea",
            scrollbar="#43374a",
            scrollbar_hover="#5a4a62",
            scrollbar_active="#f2876b",
            scrollbar_background="#1d1820",
            scrollbar_background_hover="#261f29",
            scrollbar_background_active="#261f29",
            border="#f2876b",
            border_blurred="#43374a",
        ),
    ),
)
