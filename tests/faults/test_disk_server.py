"""A server on a disk that is full, or that fails: what its clients are told, and what is there afterwards."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from shutil import copytree

import httpx2
import pytest
import websockets

from hubbub.client import Client
from support.deadline import deadline
from support.disk import Disk
from support.seeded import PASSWORD, token_of
from support.serving import serving

from .disk_life import memory

NAMES = ("ada", "bob", "cyd", "dan")


class Full:
    """A way for a disk to be full, and to have room again."""

    def __init__(self, data: Path, disk: Disk | None = None) -> None:
        self.data = data
        self.disk = disk

    def fill(self) -> None: ...

    def empty(self) -> None: ...


class FullByVfs(Full):
    def fill(self) -> None:
        self.disk.free_bytes = 40_000

    def empty(self) -> None:
        self.disk.heal()


class FullForReal(Full):
    """A file system of one megabyte."""

    def __init__(self, data: Path) -> None:
        super().__init__(data)
        self.ballast = data.parent / "ballast"

    def fill(self) -> None:
        free = os.statvfs(self.data).f_bavail * os.statvfs(self.data).f_bsize
        self.ballast.write_bytes(bytes(max(0, free - 40_000)))

    def empty(self) -> None:
        self.ballast.unlink()


@contextmanager
def _mounted(where: Path) -> Iterator[Path]:
    where.mkdir()
    size = "size=1m,mode=0700"
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", where], capture_output=True)
    if mount.returncode:
        pytest.skip("nobody but root may mount a small file system")
    try:
        yield where
    finally:
        subprocess.run(["umount", where], check=True)


@pytest.fixture(params=["told by the VFS", "a full file system"])
def full(request, seeded_store, tmp_path) -> Iterator[Full]:
    if request.param == "told by the VFS":
        with memory() as directory:
            disk = Disk()
            yield FullByVfs(Path(copytree(seeded_store, directory / "data")), disk)
            disk.unregister()
    else:
        with _mounted(tmp_path / "small") as directory:
            yield FullForReal(Path(copytree(seeded_store, directory / "data")))


def http(url: str, name: str = "ada") -> httpx2.AsyncClient:
    headers = {"Authorization": f"Bearer {token_of(name)}"}
    return httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=None)


async def test_on_a_full_disk_posts_are_refused_reading_goes_on_and_posting_resumes_with_room(full):
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(deadline())
        server = await stack.enter_async_context(serving(full.data, disk=full.disk))
        ada = await stack.enter_async_context(http(server.url))
        room = (await ada.post("/rooms", json={"name": "Lounge"})).json()["id"]
        listening = await stack.enter_async_context(
            websockets.connect(
                f"{server.url.replace('http', 'ws')}/room/{room}/subscribe?after=0",
                additional_headers={"Authorization": f"Bearer {token_of('bob')}"},
                proxy=None,
            )
        )
        full.fill()
        told: list[int] = []
        text = "x" * 8_000

        while True:
            answer = await ada.post(
                f"/room/{room}/messages", json={"text": text}, headers={"Idempotency-Key": f"k{len(told)}"}
            )
            if answer.status_code != 201:
                break
            told.append(answer.json()["seq"])

        assert answer.status_code == 503
        assert answer.json()["type"] == "/problems/storage-full"
        assert int(answer.headers["retry-after"]) > 0
        for name, path, body in (
            ("bob", f"/room/{room}/messages", {"text": text}),
            ("bob", "/user/ada/messages", {"text": text}),
            ("bob", "/rooms", {"name": "Attic " + "x" * 60}),
            ("cyd", "/sessions", {"name": "cyd", "password": PASSWORD}),
        ):
            async with http(server.url, name) as other:
                refused = [await other.post(path, json=body) for _ in range(3)][-1]
            # A last small thing may have found a place that a message did not.
            assert refused.status_code in (201, 409, 503), path
        listed = await ada.get(f"/room/{room}/messages", params={"after": 0})
        assert [each["seq"] for each in listed.json()] == told
        assert (await ada.get("/health/ready")).status_code == 200, "it still serves who reads"
        assert not server.ended.is_set()

        full.empty()

        again = await ada.post(
            f"/room/{room}/messages", json={"text": text}, headers={"Idempotency-Key": f"k{len(told)}"}
        )
        assert again.status_code == 201
        assert again.json()["seq"] == len(told) + 1
        told.append(again.json()["seq"])
        heard: list[int] = []
        while len(heard) < len(told):
            frames = [json.loads(line) for line in str(await listening.recv()).splitlines()]
            heard += [frame["seq"] for frame in frames if frame["type"] == "message"]
        assert heard == told, "who listened has heard all of it, once"

    async with serving(full.data) as server, http(server.url) as ada, deadline():
        listed = await ada.get(f"/room/{room}/messages", params={"after": 0})
        assert [each["seq"] for each in listed.json()] == told


@pytest.mark.parametrize("kind", ["write", "sync"])
async def test_when_a_commit_fails_under_load_no_acknowledged_post_is_lost(seeded_store, kind):
    with memory() as directory:
        data = Path(copytree(seeded_store, directory / "data"))
        disk = Disk()
        acknowledged: dict[str, int] = {}
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(deadline())
            server = await stack.enter_async_context(serving(data, disk=disk))
            async with Client(server.url, token=token_of("ada")) as client:
                room = (await client.create_room("Lounge")).id

            async def talk(name: str) -> None:
                async with http(server.url, name) as person:
                    for number in range(1_000):
                        key = f"{name}-{number}"
                        answer = await person.post(
                            f"/room/{room}/messages", json={"text": key}, headers={"Idempotency-Key": key}
                        )
                        if answer.status_code != 201:
                            assert answer.status_code == 503
                            assert answer.json()["type"] == "/problems/storage-failed"
                            return
                        acknowledged[key] = answer.json()["seq"]
                        if len(acknowledged) == 40:
                            disk.fail(kind, ending="-wal", nth=3)

            await asyncio.gather(*map(talk, NAMES))

            await server.ended.wait()
            assert server.broken is not None
            async with http(server.url) as person:
                ready = await person.get("/health/ready")
                assert ready.status_code == 503
                assert ready.json()["type"] == "/problems/storage-failed"
            writes = disk.calls["write"], disk.calls["sync"]
        assert (disk.calls["write"], disk.calls["sync"]) == writes, "the disk is left alone"
        disk.unregister()

        async with serving(data) as server, http(server.url) as ada, deadline():
            stored = (await ada.get(f"/room/{room}/messages", params={"after": 0, "limit": 500})).json()
            assert [each["seq"] for each in stored] == [*range(1, len(stored) + 1)]
            there = {each["text"]: each["seq"] for each in stored}
            assert acknowledged.items() <= there.items()
            assert len(there) == len(stored)
            for key, seq in acknowledged.items():
                name = key.partition("-")[0]
                async with http(server.url, name) as person:
                    again = await person.post(
                        f"/room/{room}/messages", json={"text": key}, headers={"Idempotency-Key": key}
                    )
                assert (again.status_code, again.json()["seq"]) == (201, seq)
