"""`hubbub backup` and `hubbub restore`."""

import asyncio
import stat

import apsw
import pytest

from cli.commands import hubbub, hubbub_here, serving
from cli.test_verify import spoil
from hubbub.client import Client, SignedOut
from storage.old_form import make_old_store
from support.deadline import deadline
from support.seeded import token_of

QUICK = ("--no-verify",)


def epoch_of(file):
    database = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return database.execute("SELECT epoch FROM store").get
    finally:
        database.close()


async def test_a_backup_is_one_new_file_its_owners_alone_and_says_what_it_holds(used, tmp_path):
    ended = await hubbub("backup", "--data", used, "--to", tmp_path / "a.db")

    assert (ended.code, ended.err) == (0, "")
    assert "5 events in 6 logs, the newest of 2" in ended.out
    assert epoch_of(used / "hubbub.db") in ended.out
    assert stat.S_IMODE((tmp_path / "a.db").stat().st_mode) == 0o600
    assert (await hubbub_here("verify", "--backup", tmp_path / "a.db")).code == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.db", "data"]


async def test_a_backup_overwrites_nothing(used, tmp_path):
    (tmp_path / "a.db").write_text("precious")

    ended = await hubbub_here("backup", "--data", used, "--to", tmp_path / "a.db")

    assert ended.code == 1
    assert "exists already" in ended.err
    assert (tmp_path / "a.db").read_text() == "precious"


async def test_a_backup_into_a_directory_is_named_after_the_time(used, tmp_path):
    (tmp_path / "backups").mkdir()

    ended = await hubbub_here("backup", "--data", used, "--to", tmp_path / "backups", *QUICK)

    (file,) = (tmp_path / "backups").iterdir()
    assert ended.code == 0
    assert file.match("hubbub-2*T*Z.db")


async def test_a_backup_that_would_not_be_whole_is_not_kept(used, tmp_path):
    spoil(used)

    refused = await hubbub_here("backup", "--data", used, "--to", tmp_path / "a.db")
    left = list(tmp_path.iterdir())
    taken = await hubbub_here("backup", "--data", used, "--to", tmp_path / "a.db", *QUICK)

    assert refused.code == 1
    assert "not whole and was not kept" in refused.err
    assert left == [used]
    assert taken.code == 0


async def test_a_backup_under_load_is_of_one_moment(used, tmp_path):
    """Every post before it was begun is in it, of those after a beginning without holes."""
    flags = ("--limits", "off")
    async with (
        serving(used, *flags) as server,
        Client(server.url, token=token_of("ada")) as ada,
        deadline(60),
    ):
        room = await ada.room("Lounge")
        halt = asyncio.Event()
        posted = 5

        async def post():
            nonlocal posted
            async with await ada.socket() as socket:
                while not halt.is_set():
                    await asyncio.gather(*(socket.post("x" * 200, room=room.id) for _ in range(20)))
                    posted += 20

        posting = asyncio.ensure_future(post())
        while posted < 500 and not posting.done():
            await asyncio.sleep(0.01)
        before = posted
        ended = await hubbub("backup", "--data", used, "--to", tmp_path / "a.db")
        halt.set()
        await posting
    assert ended.code == 0
    (count,) = apsw.Connection(str(tmp_path / "a.db")).execute("SELECT count(*) FROM events").fetchone()
    assert before <= count <= posted
    assert (await hubbub_here("verify", "--data", used)).code == 0


async def test_a_restored_store_has_another_epoch_another_secret_and_no_sessions(used, tmp_path):
    await hubbub_here("backup", "--data", used, "--to", tmp_path / "a.db", *QUICK)

    ended = await hubbub_here("restore", "--from", tmp_path / "a.db", "--data", tmp_path / "new")

    assert (ended.code, ended.err) == (0, "")
    assert epoch_of(tmp_path / "new" / "hubbub.db") != epoch_of(used / "hubbub.db")
    assert epoch_of(tmp_path / "new" / "hubbub.db") in ended.out
    assert "sessions ended: 5" in ended.out
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    async with serving(tmp_path / "new") as server, deadline():
        async with Client(server.url, token=token_of("ada")) as ada:
            with pytest.raises(SignedOut):
                await ada.room("Lounge")
        async with Client(server.url) as ada:
            await ada.sign_in("ada", "correct horse battery")
            room = await ada.room("Lounge")
            assert [event.text for event in await ada.page(room)] == ["one", "two", "three"]
    secrets = {
        apsw.Connection(str(where)).execute("SELECT ticket_secret FROM store").get
        for where in (tmp_path / "a.db", tmp_path / "new" / "hubbub.db")
    }
    assert len(secrets) == 2


async def test_sessions_can_be_kept(used, tmp_path):
    await hubbub_here("backup", "--data", used, "--to", tmp_path / "a.db", *QUICK)

    ended = await hubbub_here(
        "restore", "--from", tmp_path / "a.db", "--data", tmp_path / "new", "--keep-sessions"
    )

    assert "signed in again" in ended.out
    async with serving(tmp_path / "new") as server, Client(server.url, token=token_of("ada")) as ada:
        assert (await ada.room("Lounge")).head == 3


async def test_a_store_that_is_there_is_not_replaced_unless_told_so_and_is_kept_then(used, tmp_path):
    await hubbub_here("backup", "--data", used, "--to", tmp_path / "a.db", *QUICK)
    old = epoch_of(used / "hubbub.db")

    refused = await hubbub_here("restore", "--from", tmp_path / "a.db", "--data", used)
    untouched = epoch_of(used / "hubbub.db")
    replaced = await hubbub_here("restore", "--from", tmp_path / "a.db", "--data", used, "--replace")

    assert (refused.code, replaced.code) == (1, 0)
    assert "--replace" in refused.err
    assert untouched == old != epoch_of(used / "hubbub.db")
    (aside,) = used.glob("replaced-*")
    assert epoch_of(aside / "hubbub.db") == old
    assert str(aside) in replaced.out
    assert (await hubbub_here("verify", "--data", used)).code == 0


async def test_nothing_is_restored_under_a_running_server(used, tmp_path):
    await hubbub_here("backup", "--data", used, "--to", tmp_path / "a.db", *QUICK)
    async with serving(used) as server, Client(server.url, token=token_of("ada")) as ada:
        refused = await hubbub_here("restore", "--from", tmp_path / "a.db", "--data", used, "--replace")
        assert (await ada.room("Lounge")).head == 3

    assert refused.code == 1
    assert "Another hubbub server" in refused.err
    assert str(server.process.pid) in refused.err


@pytest.mark.parametrize("damage", ["altered", "torn", "none of ours", "missing"])
async def test_what_is_no_whole_backup_is_not_restored_and_leaves_nothing(used, tmp_path, damage):
    backup = tmp_path / "a.db"
    await hubbub_here("backup", "--data", used, "--to", backup, *QUICK)
    match damage:
        case "altered":
            database = apsw.Connection(str(backup))
            database.execute("UPDATE events SET text = 'never said' WHERE text = 'two'")
            database.close()
        case "torn":
            backup.write_bytes(backup.read_bytes()[: backup.stat().st_size // 2])
        case "none of ours":
            backup.unlink()
            database = apsw.Connection(str(backup))
            database.execute("CREATE TABLE recipes (name)")
            database.close()
        case "missing":
            backup.unlink()

    refused = await hubbub_here("restore", "--from", backup, "--data", tmp_path / "new")

    assert refused.code == 1
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["lock"]


async def test_an_older_backup_is_brought_up(tmp_path):
    make_old_store(tmp_path / "old")
    taken = await hubbub_here("backup", "--data", tmp_path / "old", "--to", tmp_path / "a.db")
    restored = await hubbub_here("restore", "--from", tmp_path / "a.db", "--data", tmp_path / "new")

    assert (taken.code, restored.code) == (0, 0)
    assert "older form 1" in taken.err
    assert "brought up from form 1 to 4" in restored.out
    assert "5 events in 4 logs" in restored.out
    assert (await hubbub_here("verify", "--data", tmp_path / "new")).code == 0
    assert apsw.Connection(str(tmp_path / "old" / "hubbub.db")).pragma("user_version") == 1
