"""`hubbub`, which ends at a point of what it writes: `dying.py NOTES DOOMED POINT serve …`.

NOTES is the file to which each point it comes by is written; DOOMED is what the keys of those posts begin
with from whose commit on points count; POINT is where to die, or "nowhere".
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from faults.crash_points import Points, install
from hubbub.cli import main
from hubbub.service.posting import Posting
from hubbub.storage.sqlite import database

CHECKPOINT_PAGES = 4
"""So that each commit is followed by a checkpoint."""


def run(notes: str, doomed: str, die_at: str) -> int:
    file = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    points = Points(
        None if die_at == "nowhere" else die_at, lambda point: os.write(file, f"{point}\n".encode())
    )
    install(points)
    database.CHECKPOINT_PAGES = CHECKPOINT_PAGES
    commit = Posting.commit

    def arming(self):
        if any((draft.key or "").startswith(doomed) for draft in self._drafts):
            points.arm()
        commit(self)

    Posting.commit = arming
    return main()


if __name__ == "__main__":
    notes, doomed, point = sys.argv[1:4]
    del sys.argv[1:4]
    sys.exit(run(notes, doomed, point))
