"""What is asked again, and what is not."""

import httpx2
import pytest

from hubbub.client import ConnectionLost, Problem, SignedOut
from hubbub.client.requests import Requests


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self):
        self.now = 0.0
        self.sleeps = []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.now += seconds


def problem(status, code, *, headers=None, **members):
    return httpx2.Response(
        status, headers=headers, json={"type": f"/problems/{code}", "title": code, **members}
    )


@pytest.fixture
async def ask():
    """`ask(answers)`: requests that meet these answers, one after another, exceptions among them."""
    clients = []

    def ask(*answers, patience_seconds=30.0):
        left, seen, clock = list(answers), [], Clock()

        def answer(request):
            seen.append(request)
            given = left.pop(0)
            if isinstance(given, Exception):
                raise given
            return given

        http = httpx2.AsyncClient(base_url="http://hubbub.test", transport=httpx2.MockTransport(answer))
        clients.append(http)
        requests = Requests(
            http,
            patience_seconds=patience_seconds,
            chance=lambda: 0.0,
            sleep=clock.sleep,
            monotonic=clock,
        )
        return requests, seen, clock

    yield ask
    for client in clients:
        await client.aclose()


async def test_a_lost_connection_and_an_unavailable_server_are_tried_again(ask):
    requests, seen, clock = ask(
        httpx2.ConnectError("refused"),
        problem(503, "overloaded", headers={"Retry-After": "4"}),
        httpx2.ReadError("reset"),
        httpx2.Response(201, json={}),
    )
    answer = await requests.repeated("POST", "/x", body=b"{}", headers={"Idempotency-Key": "k"})
    assert answer.status_code == 201
    assert [request.headers["Idempotency-Key"] for request in seen] == ["k"] * 4
    assert clock.sleeps == [0.0, 4.0, 0.0]


async def test_too_fast_is_waited_out_for_as_long_as_the_server_says(ask):
    requests, _, clock = ask(problem(429, "too-fast", headers={"Retry-After": "7"}), httpx2.Response(200))
    await requests.repeated("GET", "/x")
    assert clock.sleeps == [7.0]


async def test_a_wait_that_is_longer_than_patience_is_told_at_once(ask):
    requests, seen, clock = ask(problem(429, "too-fast", headers={"Retry-After": "60"}))
    with pytest.raises(Problem) as refused:
        await requests.repeated("GET", "/x")
    assert (refused.value.code, refused.value.retry_after) == ("too-fast", 60.0)
    assert (len(seen), clock.sleeps) == (1, [])


async def test_patience_ends(ask):
    requests, seen, clock = ask(*[problem(503, "x", headers={"Retry-After": "4"})] * 9, patience_seconds=10.0)
    with pytest.raises(Problem):
        await requests.repeated("GET", "/x")
    assert (len(seen), clock.now) == (3, 8.0)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 413, 500])
async def test_a_refusal_is_told_and_not_repeated(ask, status):
    requests, seen, _ = ask(problem(status, "no"))
    with pytest.raises(Problem) as refused:
        await requests.repeated("GET", "/x")
    assert (refused.value.status, len(seen)) == (status, 1)


async def test_what_may_not_be_done_twice_is_sent_once(ask):
    requests, seen, _ = ask(httpx2.ReadError("reset"))
    with pytest.raises(ConnectionLost):
        await requests.once("POST", "/rooms", body=b"{}")
    assert len(seen) == 1


async def test_a_problem_has_its_code_and_its_own_members(ask):
    requests, _, _ = ask(problem(409, "name-taken", detail="Lounge is taken.", conflicts_with="/room/x"))
    with pytest.raises(Problem) as refused:
        await requests.once("POST", "/rooms")
    assert (refused.value.code, refused.value.detail) == ("name-taken", "Lounge is taken.")
    assert refused.value.members == {"conflicts_with": "/room/x"}


async def test_a_session_that_is_over_has_an_error_of_its_own(ask):
    requests, _, _ = ask(problem(401, "not-signed-in"), problem(401, "wrong-credentials"))
    with pytest.raises(SignedOut):
        await requests.once("GET", "/rooms")
    with pytest.raises(Problem) as refused:
        await requests.once("POST", "/sessions")
    assert not isinstance(refused.value, SignedOut)


async def test_an_answer_that_is_not_ours_is_a_problem_too(ask):
    requests, _, _ = ask(httpx2.Response(404, html="<h1>nginx</h1>"))
    with pytest.raises(Problem) as refused:
        await requests.once("GET", "/x")
    assert refused.value.code == "http-404"
