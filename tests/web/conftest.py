import gzip
from pathlib import Path

import pytest

from hubbub.api import built
from web.program import build

JS = b"console.log('hubbub');\n" * 100


@pytest.fixture
def page(tmp_path, monkeypatch) -> Path:
    """A small built page, which is the one the server reads when it starts."""
    place = tmp_path / "web"
    assets = place / "assets"
    assets.mkdir(parents=True)
    (place / "index.html").write_text('<!doctype html><script src="/assets/index-AbCd1234.js"></script>')
    (place / "index.html.br").write_bytes(b"brotli index")
    (place / "built.json").write_text(
        '{"sources": "…", "immutable": ["index-AbCd1234.js", "text-AbCd1234.woff2"]}'
    )
    (assets / "index-AbCd1234.js").write_bytes(JS)
    (assets / "index-AbCd1234.js.br").write_bytes(b"brotli js")
    (assets / "index-AbCd1234.js.gz").write_bytes(gzip.compress(JS))
    (assets / "text-AbCd1234.woff2").write_bytes(b"wOF2")
    (assets / "icon-dark-512.png").write_bytes(b"\x89PNG")
    (assets / "hubbub.webmanifest").write_text("{}")
    (assets / "secret.py").write_text("nothing to see")
    monkeypatch.setattr(built, "PLACE", place)
    return place


@pytest.fixture(scope="session")
def really_built() -> Path:
    """The page of this checkout, built if it has to be."""
    return build()
