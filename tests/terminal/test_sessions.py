"""Who is signed in where: kept for its owner alone, whole, and never shown."""

import multiprocessing

import pytest

from hubbub.terminal import Session, Sessions, Spoiled

ADA = Session(server="http://one.test", user="ada", token="hb_ada-secret")
BOB = Session(server="http://two.test", user="bob", token="hb_bob-secret")


def mode(path):
    return path.stat().st_mode & 0o777


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "config" / "hubbub"


def test_nobody_is_signed_in_at_first(directory):
    assert Sessions(directory).current() is None
    assert not directory.exists()


def test_who_signed_in_last_is_current_and_others_stay(directory):
    Sessions(directory).keep(ADA)
    Sessions(directory).keep(BOB)

    assert Sessions(directory).current() == BOB
    assert Sessions(directory).at("http://one.test") == ADA
    assert Sessions(directory).all() == (ADA, BOB)


def test_a_server_has_one_session_and_the_one_before_is_told(directory):
    again = Session(server=ADA.server, user="eve", token="hb_eve")
    Sessions(directory).keep(ADA)

    assert Sessions(directory).keep(again) == ADA
    assert Sessions(directory).all() == (again,)


def test_another_server_can_be_made_current(directory):
    sessions = Sessions(directory)
    sessions.keep(ADA)
    sessions.keep(BOB)

    sessions.use(ADA.server)
    sessions.use("http://nowhere.test")

    assert sessions.current() == ADA


def test_what_is_forgotten_is_gone_and_the_one_before_is_current(directory):
    sessions = Sessions(directory)
    sessions.keep(ADA)
    sessions.keep(BOB)

    sessions.forget(BOB)

    assert sessions.current() == ADA
    assert b"bob" not in (directory / "sessions.json").read_bytes()


def test_forgetting_leaves_one_that_has_taken_its_place(directory):
    again = Session(server=ADA.server, user="ada", token="hb_newer")
    sessions = Sessions(directory)
    sessions.keep(again)

    sessions.forget(ADA)

    assert sessions.current() == again


def test_the_file_and_its_directory_are_their_owners_alone(directory):
    directory.mkdir(parents=True, mode=0o755)
    (directory / "sessions.json").write_text("{}")
    (directory / "sessions.json").chmod(0o644)

    Sessions(directory).keep(ADA)

    assert mode(directory) == 0o700
    assert {mode(path) for path in directory.iterdir()} == {0o600}


def test_a_session_is_shown_without_its_token():
    assert "secret" not in repr(ADA)
    assert "secret" not in f"{ADA}"


def test_a_file_that_makes_no_sense_is_told_without_what_is_in_it(directory):
    directory.mkdir(parents=True)
    (directory / "sessions.json").write_text('{"sessions":[{"server":1,"token":"hb_secret"')

    with pytest.raises(Spoiled) as told:
        Sessions(directory).current()

    assert "sessions.json" in str(told.value)
    assert "hb_secret" not in str(told.value)
    assert told.value.__cause__ is None


def _keep(directory, number):
    Sessions(directory).keep(Session(server=f"http://{number}.test", user="ada", token="hb_x"))


def test_processes_that_sign_in_at_the_same_time_lose_nothing_of_each_other(directory):
    context = multiprocessing.get_context("spawn")
    many = [context.Process(target=_keep, args=(directory, number)) for number in range(6)]
    for process in many:
        process.start()
    for process in many:
        process.join(30)

    assert {each.server for each in Sessions(directory).all()} == {f"http://{n}.test" for n in range(6)}
    assert [path.name for path in directory.iterdir() if path.name.startswith(".sessions.json")] == []
