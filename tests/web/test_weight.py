"""What a first visit has to fetch before the page is there."""

import re

import pytest

MOST_BYTES = 100_000


def first_load(page) -> dict[str, int]:
    """By its name, the size of index.html as it is sent, of what it loads at once, and so on."""
    sizes: dict[str, int] = {}
    waiting = ["index.html"]
    names = {f"assets/{each.name}" for each in (page / "assets").iterdir()}
    while waiting:
        name = waiting.pop()
        if name in sizes:
            continue
        file = page / name
        smallest = page / f"{name}.br"
        sizes[name] = (smallest if smallest.is_file() else file).stat().st_size
        if name.endswith((".html", ".css", ".webmanifest")):
            text = file.read_text()
            waiting += [each for each in names if each in text or f"({each.rpartition('/')[2]})" in text]
        elif name.endswith(".js"):
            text = re.sub(r"import\([^)]*\)", "", file.read_text())  # that is fetched when it is needed
            waiting += [
                each for each in names if f'from"./{each[7:]}"' in text or f'import"./{each[7:]}"' in text
            ]
    return sizes


def test_a_first_visit_fetches_less_than_100_kb(really_built):
    sizes = first_load(really_built)
    assert any(name.endswith(".js") for name in sizes)
    assert any(name.endswith(".css") for name in sizes)
    assert sum(sizes.values()) < MOST_BYTES, sizes


@pytest.mark.parametrize("heavy", ["assets/text.woff2", "assets/part.js", "assets/icon.png"])
def test_what_is_loaded_by_what_is_loaded_weighs_too(tmp_path, heavy):
    (tmp_path / "assets").mkdir()
    links = (
        '<script src="/assets/main.js">',
        '<link href="/assets/main.css">',
        '<link href="/assets/a.webmanifest">',
    )
    (tmp_path / "index.html").write_text("".join(links))
    (tmp_path / "assets" / "main.js").write_text('import{a}from"./part.js";import("./later.js")')
    (tmp_path / "assets" / "main.css").write_text("@font-face{src:url(/assets/text.woff2)}")
    (tmp_path / "assets" / "a.webmanifest").write_text('{"icons":[{"src":"/assets/icon.png"}]}')
    (tmp_path / "assets" / "later.js").write_text("x" * 1000)
    for name in ("text.woff2", "part.js", "icon.png"):
        (tmp_path / "assets" / name).write_text("")
    (tmp_path / heavy).write_text("x" * MOST_BYTES)
    sizes = first_load(tmp_path)
    assert sizes[heavy] == MOST_BYTES
    assert "assets/later.js" not in sizes
