"""A sign-in that fails says nothing: not in its body, its status, its fields, nor in the work it makes."""

import threading

import pytest

from conformance.wire import wire
from hubbub.domain.ids import UserId
from hubbub.service.limits import DEFAULTS
from hubbub.service.passwords import Cost, Passwords
from security.proofs import body, now_ms
from support.seeded import PASSWORD
from support.serving import serving

# Of the OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, 2 passes, 1 lane.
FLOOR = Cost(memory_kib=19 * 1024, passes=2, lanes=1)

FAILURES = {
    "unknown": ("nobody", PASSWORD),
    "wrong": ("ada", "wrong horse battery"),
    "disabled": ("bob", PASSWORD),
    "disabled and wrong": ("bob", "wrong horse battery"),
    "too short to be one": ("ada", "x"),
    "empty": ("ada", ""),
    "too long to be one": ("ada", "x" * 2000),
    "in capitals": ("ADA", "wrong horse battery"),
    "with a NUL": ("ada", "wrong\0horse battery"),
}


class Counting:
    """Stands before the hasher and counts what is really computed."""

    def __init__(self, real):
        self._real = real
        self.computed = 0

    def verify(self, stored, password):
        self.computed += 1
        return self._real.verify(stored, password)

    def hash(self, password):
        self.computed += 1
        return self._real.hash(password)


@pytest.fixture
async def closed(target):
    """Bob is disabled, and every hash is counted."""
    await target.server.store.disable(UserId("bob"), now_ms())
    passwords = target.context.accounts._passwords
    passwords._hasher = target.counting = Counting(passwords._hasher)
    return target


async def attempt(target, name, password):
    async with wire(target.server.address) as way:
        answer = await way.asks("POST", "/sessions", None, body(name=name, password=password))
    fields = {field: text for field, text in answer.headers.items() if field != "date"}
    return answer.status, fields, answer.body


async def test_every_failure_looks_the_same_and_costs_one_hash(closed):
    seen = {}
    for why, (name, password) in FAILURES.items():
        before = closed.counting.computed
        seen[why] = await attempt(closed, name, password)
        assert closed.counting.computed - before == 1, why
    status, fields, _ = seen["wrong"]
    assert (status, fields["www-authenticate"], fields["cache-control"]) == (401, "Bearer", "no-store")
    assert "set-cookie" not in fields
    assert all(each == seen["wrong"] for each in seen.values()), seen


async def test_what_can_be_nobodys_name_is_told_so_and_costs_nothing(closed):
    """It says nothing about anybody: what a name may be is written in the protocol."""
    for name in ("", "a b", "ä", "x" * 33, "-a"):
        status, _, _ = await attempt(closed, name, PASSWORD)
        assert status == 400
    assert closed.counting.computed == 0


async def test_a_success_costs_the_same_hash_and_hides_nothing_else(closed):
    assert (await attempt(closed, "ada", PASSWORD))[0] == 201
    assert closed.counting.computed == 1


def test_a_hash_costs_no_less_than_what_is_recommended():
    cost = Cost()
    assert cost.memory_kib >= FLOOR.memory_kib
    assert cost.passes >= FLOOR.passes
    assert cost.lanes == FLOOR.lanes
    pool = Passwords(1)
    made = pool._hasher
    assert (made.memory_cost, made.time_cost, made.parallelism) == (cost.memory_kib, cost.passes, cost.lanes)
    assert (made.type.name, made.hash_len >= 32, made.salt_len >= 16) == ("ID", True, True)
    pool.close()


async def test_the_server_uses_that_and_nothing_cheaper(target):
    """No setting can make it less."""
    hasher = target.context.accounts._passwords._hasher
    assert hasher.memory_cost >= FLOOR.memory_kib
    assert hasher.time_cost >= FLOOR.passes


async def test_a_full_pool_answers_429_at_once_and_the_server_goes_on(data):
    async with serving(data, password_workers=1, password_queue=1) as server:
        passwords = server.context.accounts._passwords
        gate = threading.Event()
        held = [passwords._pool.submit(gate.wait) for _ in range(2)]
        for _ in range(2):
            assert passwords._places.acquire(blocking=False)
        try:
            for path, more in (("/sessions", {}), ("/users", {})):
                async with wire(server.address) as way:
                    content = body(name="zoe", password=PASSWORD, **more)
                    refused = await way.asks("POST", path, None, content)
                    assert (refused.status, refused.code) == (429, "too-many")
                    assert int(refused.headers["retry-after"]) >= 1
                    assert (await way.asks("GET", "/health/live")).status == 200
        finally:
            gate.set()
            for _ in range(2):
                passwords._places.release()
        assert [each.result(20) for each in held] == [True, True]


@pytest.mark.parametrize(("length", "status"), [(7, 400), (8, 201), (1024, 201), (1025, 400)])
async def test_a_password_has_8_to_1024_characters(target, length, status):
    async with wire(target.server.address) as way:
        content = body(name="zoe", password="ä" * length)
        answer = await way.asks("POST", "/users", None, content)
        assert answer.status == status
        if status == 201:
            signed_in = await way.asks("POST", "/sessions", None, content)
            assert signed_in.status == 201


async def test_a_strangers_guesses_over_the_wire_do_not_keep_the_owner_out(data):
    """The stranger comes from another address of the loopback, and is the only one who is held up."""
    async with serving(data, limits={}) as server:
        statuses = []
        async with wire(server.address, source="127.0.0.9") as stranger:
            for _ in range(DEFAULTS["sign_ins_by_place"].quota + 2):
                wrong = await stranger.asks("POST", "/sessions", None, body(name="ada", password="wrong"))
                statuses.append(wrong.status)
        assert set(statuses[:-2]) == {401}
        assert statuses[-2:] == [429, 429]
        async with wire(server.address) as owner:
            right = await owner.asks("POST", "/sessions", None, body(name="ada", password=PASSWORD))
            assert right.status == 201


async def test_a_forwarded_address_that_nobody_vouches_for_gives_no_new_tries(data):
    async with serving(data, limits={}) as server, wire(server.address) as way:
        statuses = []
        for number in range(DEFAULTS["sign_ins_by_place"].quota + 1):
            forged = {"X_Forwarded_For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"}
            wrong = await way.asks(
                "POST", "/sessions", None, body(name="ada", password="wrong horse"), **forged
            )
            statuses.append(wrong.status)
        assert statuses[-1] == 429


async def test_behind_a_trusted_proxy_each_address_has_its_own_tries_and_cannot_make_up_another(data):
    settings = {"trusted_proxies": ("127.0.0.1",)}
    async with serving(data, limits={}, settings=settings) as server, wire(server.address) as proxy:

        async def comes(through: str) -> int:
            content = body(name="ada", password="wrong horse")
            answer = await proxy.asks("POST", "/sessions", None, content, X_Forwarded_For=through)
            return answer.status

        tries = DEFAULTS["sign_ins_by_place"].quota
        statuses = [await comes(f"10.9.8.{number}, 203.0.113.7") for number in range(tries + 1)]
        assert statuses[-1] == 429  # what stands to the left was written by the client
        assert await comes("203.0.113.8") == 401
