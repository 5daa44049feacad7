"""tests/browser/install, with the system's programs replaced by ones that only tell that they were called."""

import shutil
import subprocess
from pathlib import Path

import pytest

INSTALL = Path(__file__).parents[1] / "browser" / "install"


class Machine:
    """What can be run on it is what stands in `programs`."""

    def __init__(self, home: Path) -> None:
        self.programs = home / "bin"
        self.programs.mkdir()
        self.called = home / "called"
        for name in ("bash", "env", "timeout", "cat", "chmod"):
            self.programs.joinpath(name).symlink_to(str(shutil.which(name)))

    def has(self, name: str, does: str) -> None:
        file = self.programs / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.called}\n{does}\n')
        file.chmod(0o755)

    def has_apt(self, does: str = "") -> None:
        put = self.programs / "chromium"
        made = f"printf '#!/bin/sh\\nexit 0\\n' > {put}; chmod +x {put}"
        self.has("apt-get", does or f'case "$*" in *chromium) {made};; esac')

    def install(self) -> tuple[list[str], str]:
        """What was called, and what was said."""
        done = subprocess.run(
            [str(self.programs / "bash"), str(INSTALL)],
            env={"PATH": str(self.programs)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        called = self.called.read_text().splitlines() if self.called.exists() else []
        return called, done.stderr


@pytest.fixture
def machine(tmp_path) -> Machine:
    return Machine(tmp_path)


def test_where_there_is_a_chromium_nothing_is_done(machine):
    machine.has("chromium-browser", "")
    machine.has_apt()
    assert machine.install() == (["chromium-browser --version"], "")


def test_root_has_it_installed_once_with_fresh_lists(machine):
    machine.has("id", "echo 0")
    machine.has_apt()
    called, said = machine.install()
    assert [each.split()[-1] for each in called if each.startswith("apt-get")] == ["update", "chromium"]
    assert "NO CHROMIUM" not in said
    again, _ = machine.install()
    assert again == called


def test_others_have_it_installed_where_sudo_asks_for_no_password(machine):
    machine.has("id", "echo 1000")
    machine.has("sudo", 'shift; exec "$@"')
    machine.has("true", "")
    machine.has_apt()
    called, said = machine.install()
    assert any(each.startswith("sudo -n env DEBIAN_FRONTEND=noninteractive") for each in called)
    assert "NO CHROMIUM" not in said


@pytest.mark.parametrize(
    ("user", "sudo", "apt", "why"),
    [
        ("0", None, None, "no apt-get"),
        ("1000", None, "", "takes root"),
        ("1000", "exit 1", "", "takes root"),
        ("0", None, "exit 100", "update failed"),
        ("0", None, 'case "$*" in *chromium) exit 100;; esac', "could not install"),
        ("0", None, "exit 0", "does not start"),
    ],
)
def test_where_it_cannot_be_had_that_is_said_aloud_and_nothing_fails(machine, user, sudo, apt, why):
    machine.has("id", f"echo {user}")
    if sudo is not None:
        machine.has("sudo", sudo)
    if apt is not None:
        machine.has_apt(apt)
    _, said = machine.install()
    assert "NO CHROMIUM" in said
    assert why in said
