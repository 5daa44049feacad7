"""The table of settings in docs/operations.md, made from the code's own.

`python -m docs.settings` in tests/ writes it anew.
"""

from docs.pages import ROOT
from hubbub.config import SERVER, WIRE
from hubbub.knobs import Knob

OPERATIONS = ROOT / "docs" / "operations.md"

# Defaults that depend on where the server runs.
_DEPENDS = {
    "data": "the user's own data directory, such as `~/.local/share/hubbub`",
    "password_workers": "the number of cores, 8 at most",
}


def _default(knob: Knob) -> str:
    if knob.name in _DEPENDS:
        return _DEPENDS[knob.name]
    match knob.default:
        case None if "off" in knob.value.split("|"):
            return "`off`"
        case None | () | {}:
            return ""
        case bool(chosen):
            on, off = knob.value.split("|")
            return f"`{on if chosen else off}`"
        case float(number):
            return f"`{number:g}`"
        case other:
            return f"`{other}`"


def _table(knobs: tuple[Knob, ...]) -> str:
    head = "| flag | value | default | what it sets |\n| --- | --- | --- | --- |\n"
    return head + "".join(
        f"| `{knob.flag}` | {_value(knob)} | {_default(knob)} | {knob.help} |\n" for knob in knobs
    )


def _value(knob: Knob) -> str:
    return " or ".join(f"`{word}`" for word in knob.value.split("|")) + (", repeatable" if knob.many else "")


TABLES = {"server": SERVER, "wire": WIRE}


def as_it_should_be() -> str:
    """The whole page, with the tables between their marks as the code has them."""
    page = OPERATIONS.read_text("utf-8")
    for name, knobs in TABLES.items():
        before, begin, rest = page.partition(f"<!-- settings: {name} -->\n")
        _, end, after = rest.partition("<!-- end -->\n")
        assert end, f"the marks of the table {name} are missing"
        page = before + begin + "\n" + _table(knobs) + "\n" + end + after
    return page


if __name__ == "__main__":
    OPERATIONS.write_text(as_it_should_be(), "utf-8")
