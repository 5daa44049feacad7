"""What every answer of a kind has to have."""

import httpx2


def check_problem(answer: httpx2.Response, status: int, code: str) -> dict[str, object]:
    """Its members, once it is known to be the problem `code` as RFC 9457 wants it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    members: dict[str, object] = answer.json()
    assert members["type"] == f"/problems/{code}"
    assert members["status"] == status
    assert members["title"]
    assert members["detail"]
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
    if status in (429, 503):
        assert int(answer.headers["retry-after"]) >= 1
    return members
