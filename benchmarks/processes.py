"""A server that may be several processes, seen from outside: it and all it has started, added up."""

import resource

from hubbub.bench import machine


def allow_many_files() -> None:
    """For this process and what it starts from now on: as many sockets as may be had."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def cpu_seconds(pid: int) -> float:
    return machine.family_cpu_seconds(pid) or 0.0


def resident_bytes(pid: int) -> int:
    """Of one process what is resident; of several the sum of their shares, so that common pages count once.

    The share alone would not do: it moves when anybody else on the machine starts or ends with the same
    library.
    """
    memories = [memory for each in machine.family(pid) if (memory := machine.memory(each))]
    return memories[0].rss if len(memories) == 1 else sum(each.pss for each in memories)
