"""A disk for SQLite that fails when it is told to."""

from itertools import count

import apsw

_names = count(1)


class FaultyDisk(apsw.VFS):
    """Passes everything to the system, but for what is set to fail.

    `fail[operation]` is the error for "write" or "sync", of files whose name ends in `only`; the calls that
    failed are counted in `failed`.
    """

    def __init__(self) -> None:
        self.name = f"faulty-{next(_names)}"
        self.fail: dict[str, type[apsw.Error]] = {}
        self.only = ""
        self.failed = 0
        self.calls = 0
        super().__init__(self.name, "")

    def xOpen(self, name, flags):
        return _File(self, name, flags)

    def check(self, operation: str, file: str) -> None:
        self.calls += 1
        if (error := self.fail.get(operation)) and file.endswith(self.only):
            self.failed += 1
            raise error(f"{operation} of {file} was told to fail")


class _File(apsw.VFSFile):
    def __init__(self, disk: FaultyDisk, name, flags) -> None:
        self._disk = disk
        self._name = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        super().__init__("", name, flags)

    def xWrite(self, data, offset):
        self._disk.check("write", self._name)
        super().xWrite(data, offset)

    def xSync(self, flags):
        self._disk.check("sync", self._name)
        super().xSync(flags)
