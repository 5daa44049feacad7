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

_ALSO_IN_EVERY_RUN = (
    "two nodes number a log at once",
    "a batch whose commit went unanswered is written again",
    "what is stored here is not told to other nodes",
    "a node does not look whether it has missed something",
    "what comes before its turn is dropped",
)


def _seldom(bug: Bug) -> Bug:
    return bug if bug.name in _ALSO_IN_EVERY_RUN else bug._replace(seldom=True)


# The core of the promises in every run, and the rest in `make soak`: a bug takes two seconds, and eight where
# only a test with a database catches it.
BUGS: tuple[Bug, ...] = (
    *in_storage.BUGS,
    *in_delivery.BUGS,
    *map(_seldom, in_postgres.BUGS),
    *map(_seldom, in_cluster.BUGS),
    *map(_seldom, in_marks.BUGS),
    *map(_seldom, in_access.BUGS),
    *map(_seldom, in_answers.BUGS),
    *map(_seldom, in_checks.BUGS),
)
