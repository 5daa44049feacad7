"""Where a reader ended: found again, kept apart from others', never guessed."""

import pytest

from hubbub.terminal import Cursors, InUse, Spoiled

SERVER = "http://chat.test"


def test_a_reader_that_never_ran_has_no_cursors(tmp_path):
    assert Cursors(SERVER, "ada", "alerts", tmp_path).load() == {}


def test_what_is_saved_is_found_again(tmp_path):
    Cursors(SERVER, "ada", "alerts", tmp_path).save({"r1": "e:4", None: "e:2", "new": None})

    assert Cursors(SERVER, "ada", "alerts", tmp_path).load() == {"r1": "e:4", None: "e:2"}


@pytest.mark.parametrize(
    "other", [(SERVER, "ada", "Alerts"), (SERVER, "bob", "alerts"), ("http://chat.test/1", "ada", "alerts")]
)
def test_servers_people_and_names_are_kept_apart(other, tmp_path):
    Cursors(SERVER, "ada", "alerts", tmp_path).save({"r1": "e:4"})

    assert Cursors(*other, tmp_path).load() == {}


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", ".", "..", "", "x" * 500, "ünï"])
def test_no_name_leads_out_of_the_directory(name, tmp_path):
    state = tmp_path / "state"

    Cursors(SERVER, "ada", name, state).save({"r1": "e:4"})

    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert file.is_relative_to(state / "cursors")
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_makes_no_sense_is_told_and_not_taken_for_none(tmp_path):
    cursors = Cursors(SERVER, "ada", "alerts", tmp_path)
    cursors.save({"r1": "e:4"})
    (file,) = tmp_path.rglob("*.json")
    file.write_bytes(b"")

    with pytest.raises(Spoiled):
        cursors.load()


def test_a_second_run_on_the_same_cursor_is_refused_by_name(tmp_path):
    first, second = (Cursors(SERVER, "ada", "alerts", tmp_path) for _ in range(2))

    with first.alone():
        with pytest.raises(InUse, match="alerts"), second.alone():
            pass
        with Cursors(SERVER, "ada", "other", tmp_path).alone():
            pass
    with second.alone():
        pass
