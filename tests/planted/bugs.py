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

BUGS: tuple[Bug, ...] = (
    *in_storage.BUGS,
    *in_postgres.BUGS,
    *in_delivery.BUGS,
    *in_cluster.BUGS,
    *in_marks.BUGS,
    *in_access.BUGS,
    *in_answers.BUGS,
    *in_checks.BUGS,
)
