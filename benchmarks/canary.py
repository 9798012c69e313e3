"""`make canary`: the newest of everything that pyproject.toml allows, told against the lock, and the tests run on it.

It reports and never gates: whatever the tests say it ends well, and fails only where it cannot install or start.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

HOME: Final = Path(".venv-canary")
PYTHON: Final = HOME / "bin" / "python"
LOCK: Final = Path("requirements-dev.lock")
PIN: Final = re.compile(r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;]+)", re.MULTILINE)


def uv(*arguments: str | Path) -> str:
    command = [str(part) for part in (Path(sys.executable).with_name("uv"), *arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def install() -> None:
    uv("venv", "--quiet", "--clear", "--python", sys.executable, HOME)
    newest = ("--requirement", "pyproject.toml", "--all-extras", "--group", "dev")
    uv("pip", "install", "--quiet", "--compile-bytecode", "--upgrade", "--python", PYTHON, *newest)
    uv("pip", "install", "--quiet", "--no-deps", "--python", PYTHON, "--editable", ".")


def locked(text: str) -> dict[str, set[str]]:
    """Read the versions that a lock names of each package: several where they differ by Python."""
    pins: dict[str, set[str]] = {}
    for name, version in PIN.findall(text):
        pins.setdefault(name.lower(), set()).add(version)
    return pins


def changes(installed: dict[str, str], pins: dict[str, set[str]]) -> list[tuple[str, str, str]]:
    """Tell package, locked and installed version of each that is not as locked."""
    return [
        (name, ", ".join(sorted(pins.get(name, ()))) or "not locked", version)
        for name, version in sorted(installed.items())
        if version not in pins.get(name, ()) and name != "patron"
    ]


def main() -> int:
    try:
        install()
        told = json.loads(uv("pip", "list", "--quiet", "--format", "json", "--python", PYTHON))
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"canary: the newest cannot be installed: {error}")
        return 1
    found = changes({row["name"].lower(): row["version"] for row in told}, locked(LOCK.read_text(encoding="utf-8")))
    print(f"canary: {len(found)} packages are newer than the lock, or new")
    for name, was, now in found:
        print(f"  {name:30} {was:24} {now}")
    tests = subprocess.run(
        [PYTHON, "-m", "pytest", "-n", "2", "-q"], env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False
    )
    print(f"canary: the tests {'pass' if tests.returncode == 0 else 'FAIL'}; `make lock` takes these versions over")
    return 0


if __name__ == "__main__":
    sys.exit(main())
