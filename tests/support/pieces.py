"""Whether what a cluster is made of is on this machine."""

import pytest

from hubbub.cluster import Missing, programs

NOT_TRIED = "NOTHING OF A CLUSTER WAS TRIED"


def _missing() -> str:
    try:
        programs.postgres_programs()
        programs.program("nats-server", package="nats-server")
    except Missing as missing:
        return str(missing)
    return ""


needs_pieces = pytest.mark.skipif(bool(_missing()), reason=f"{NOT_TRIED}: {_missing()}")
