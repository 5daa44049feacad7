"""What a browser is answered for the page and what it loads, by a real server, field by field."""

import gzip

import pytest

from conformance.wire import wire
from hubbub.api.guard import SECURITY_FIELDS
from support.serving import serving
from web.conftest import JS

BROWSER = {"Accept_Encoding": "gzip, deflate, br, zstd"}
HASHED = "/assets/index-AbCd1234.js"
YEAR = "public, max-age=31536000, immutable"


@pytest.fixture
async def server(page, data):
    async with serving(data) as running:
        yield running


async def test_the_first_page_is_the_built_one_and_is_asked_for_again_each_time(server, page):
    async with wire(server.address) as way:
        plain = await way.asks("GET", "/")
        assert (plain.status, plain.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert plain.body == (page / "index.html").read_bytes()
        assert plain.headers["cache-control"] == "no-cache"
        assert plain.headers["vary"] == "Accept-Encoding"
        assert "content-encoding" not in plain.headers
        small = await way.asks("GET", "/", **BROWSER)
        assert (small.headers["content-encoding"], small.body) == ("br", b"brotli index")
        assert small.headers["etag"] != plain.headers["etag"]


async def test_what_carries_its_digest_in_its_name_is_kept_for_a_year_and_nothing_else_is(server):
    async with wire(server.address) as way:
        for path, media_type, kept in (
            (HASHED, "text/javascript; charset=utf-8", YEAR),
            ("/assets/text-AbCd1234.woff2", "font/woff2", YEAR),
            ("/assets/icon-dark-512.png", "image/png", "no-cache"),
            ("/assets/hubbub.webmanifest", "application/manifest+json", "no-cache"),
            ("/assets/site.css", "text/css; charset=utf-8", "no-cache"),
        ):
            answer = await way.asks("GET", path)
            found = (answer.status, answer.headers["content-type"], answer.headers["cache-control"])
            assert found == (200, media_type, kept)
            assert answer.headers["x-content-type-options"] == "nosniff"


async def test_it_is_sent_in_the_coding_that_is_asked_for(server):
    async with wire(server.address) as way:
        whole = await way.asks("GET", HASHED)
        assert whole.body == JS
        brotli = await way.asks("GET", HASHED, **BROWSER)
        assert (brotli.headers["content-encoding"], brotli.body) == ("br", b"brotli js")
        zipped = await way.asks("GET", HASHED, Accept_Encoding="gzip")
        assert zipped.headers["content-encoding"] == "gzip"
        assert gzip.decompress(zipped.body) == JS
        assert len({each.headers["etag"] for each in (whole, brotli, zipped)}) == 3
        assert {each.headers["vary"] for each in (whole, brotli, zipped)} == {"Accept-Encoding"}
        font = await way.asks("GET", "/assets/text-AbCd1234.woff2", **BROWSER)
        assert "content-encoding" not in font.headers


@pytest.mark.parametrize("path", ["/", HASHED])
async def test_head_has_the_very_fields_and_no_body(server, path):
    async with wire(server.address) as way:
        whole = await way.asks("GET", path, **BROWSER)
        head = await way.asks("HEAD", path, **BROWSER)
        assert (head.status, head.body) == (200, b"")
        ours = {name: value for name, value in whole.headers.items() if name != "date"}
        assert {name: value for name, value in head.headers.items() if name != "date"} == ours
        assert int(head.headers["content-length"]) == len(whole.body)


@pytest.mark.parametrize("path", ["/", HASHED])
async def test_who_has_it_is_told_so_in_its_coding_only(server, path):
    async with wire(server.address) as way:
        whole = await way.asks("GET", path, **BROWSER)
        tag = whole.headers["etag"]
        for asked in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = await way.asks("GET", path, If_None_Match=asked, **BROWSER)
            assert (again.status, again.body) == (304, b"")
            for name in ("etag", "vary", "cache-control"):  # RFC 9110, section 15.4.5
                assert again.headers[name] == whole.headers[name]
            assert "content-encoding" not in again.headers or again.headers["content-encoding"] == "br"
        assert (await way.asks("GET", path, If_None_Match=tag)).status == 200
        assert (await way.asks("GET", path, If_None_Match='"other"', **BROWSER)).status == 200


async def test_every_answer_of_the_page_is_guarded(server):
    async with wire(server.address) as way:
        for path in ("/", HASHED, "/assets/icon-dark-512.png", "/assets/nothing.js"):
            answer = await way.asks("GET", path, **BROWSER)
            for name, value in SECURITY_FIELDS:
                assert answer.headers[name.decode()] == value.decode()


async def test_a_host_that_is_none_is_refused_by_the_page_too(server):
    async with wire(server.address) as way:
        way.say(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n")
        assert (await way.response()).status == 400


TRAVERSALS = (
    *(
        "..",
        "../index.html",
        "..%2findex.html",
        "%2e%2e/index.html",
        "%2e%2e%2findex.html",
        "..%5cindex.html",
    ),
    *(
        "....//index.html",
        "..%252findex.html",
        "%c0%ae%c0%ae%2findex.html",
        "..;/index.html",
        "./index-AbCd1234.js",
    ),
    *("/etc/passwd", "%2fetc%2fpasswd", "//etc/passwd", "index-AbCd1234.js/", "index-AbCd1234.js%00.png"),
    *("index-AbCd1234.js%0a", "%0aindex-AbCd1234.js", "index-AbCd1234.js%20", "INDEX-ABCD1234.JS", "%ff.js"),
    *(
        "index-AbCd1234.js.br",
        "index-AbCd1234.js.gz",
        "secret.py",
        "index.html",
        "built.json",
        "assets",
        "",
        ".",
    ),
    *("file:///etc/passwd", "C:%5cwindows", "~root", "index-AbCd1234.js::$DATA", "a" * 5000),
)


@pytest.mark.parametrize("name", TRAVERSALS, ids=lambda name: name[:40] or "no name")
async def test_only_names_that_were_there_at_the_start_are_found(server, name):
    async with wire(server.address) as way:
        answer = await way.asks("GET", f"/assets/{name}", **BROWSER)
        assert (answer.status, answer.code) == (404, "no-such-page")


async def test_a_page_that_is_built_anew_or_gone_is_seen_by_the_next_server(server, page):
    before = (page / "index.html").read_bytes()
    (page / "index.html").write_text("another")
    (page / "assets" / "index-AbCd1234.js").unlink()
    (page / "assets" / "new-AbCd1234.js").write_text("new")
    async with wire(server.address) as way:
        assert (await way.asks("GET", "/")).body == before
        assert (await way.asks("GET", HASHED)).body == JS
        assert (await way.asks("GET", "/assets/new-AbCd1234.js")).status == 404


async def test_a_page_that_was_built_by_hand_is_served_and_not_kept(page, data):
    (page / "built.json").unlink()
    async with serving(data) as server, wire(server.address) as way:
        assert (await way.asks("GET", HASHED)).headers["cache-control"] == "no-cache"


async def test_a_server_without_the_page_says_what_it_is_there_and_a_server_with_it_elsewhere(page, data):
    async with serving(data) as server, wire(server.address) as way:
        about = await way.asks("GET", "/about")
        assert b"Begin with curl" in about.body
        assert b"Begin with curl" not in (await way.asks("GET", "/")).body
    (page / "index.html").unlink()
    async with serving(data) as server, wire(server.address) as way:
        without = await way.asks("GET", "/")
        assert (without.status, without.headers["cache-control"]) == (200, "no-cache")
        assert b"Begin with curl" in without.body
        assert (await way.asks("GET", HASHED)).status == 404
