"""All bugs that are planted, floor by floor."""

from planted import (
    in_access,
    in_answers,
    in_checks,
    in_cluster,
    in_delivery,
    in_marks,
    in_postgres,
    in_storage,
)
from planted.bug import Bug

_IN_EVERY_RUN = (
    "two nodes number a log at once",
    "a batch whose commit went unanswered is written again",
    "a commit that went unanswered is taken for made",
    "sessions that ended at another node are not asked for",
)
_DEAR = ("tests/storage/test_postgres", "tests/nodes/")


def _placed(bug: Bug) -> Bug:
    dear = any(test.startswith(_DEAR) for test in bug.caught_by)
    return bug._replace(seldom=dear and bug.name not in _IN_EVERY_RUN)


_ALL: tuple[Bug, ...] = (
    *in_storage.BUGS,
    *in_postgres.BUGS,
    *in_delivery.BUGS,
    *in_cluster.BUGS,
    *in_marks.BUGS,
    *in_access.BUGS,
    *in_answers.BUGS,
    *in_checks.BUGS,
)

BUGS = tuple(map(_placed, _ALL))
