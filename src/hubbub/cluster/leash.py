"""Becomes another program, as another user if need be, which ends when the process that started it does.

Run as a script by `process.py`: LAST_SIGNAL PARENT USER PROGRAM WORDS…, with `-` for no other user. A step of
its own between fork and exec, so that the process that forks, which has an event loop and threads, runs
nothing of its own in the child. Imports nothing of hubbub: it has to be quick, and to work as any user.

On Linux the kernel sends LAST_SIGNAL when the parent ends, however it ends. Elsewhere nobody does.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(last_signal: int, parent: int, user: str, command: list[str]) -> None:
    if user != "-":
        _become(user)  # before the next step: a change of the user takes the last signal back
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, last_signal, 0, 0, 0)
    if os.getppid() != parent:  # it has ended already
        return
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and exec would hand that on
        signal.signal(ignored, signal.SIG_DFL)
    os.execv(command[0], command)  # noqa: S606 - this is what it is for


def _become(user: str) -> None:
    import pwd

    entry = pwd.getpwnam(user)
    os.initgroups(user, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
