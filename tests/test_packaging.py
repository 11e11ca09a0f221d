"""What is installed is what is in the checkout."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = {"spec": "assay_spec", "reference": "assay_reference", "reports": "assay_reports", "conformance": "assay"}


def contents(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("room", ROOMS)
def test_every_file_of_a_room_is_installed(room: str) -> None:
    installed = Path(str(files(ROOMS[room])))

    assert contents(ROOT / room / ROOMS[room]) == contents(installed)


def test_the_command_and_the_plugin_are_installed() -> None:
    assert any(each.name == "assay" for each in entry_points(group="console_scripts"))
    assert any(each.name == "assay" for each in entry_points(group="pytest11"))


def test_the_lowest_versions_that_are_tested_are_the_ones_that_are_allowed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tox = (ROOT / "tox.ini").read_text(encoding="utf-8")
    allowed = [*project["dependencies"], *re.findall(r"^    (hypothesis|jsonschema)(>=.+)$", tox, re.MULTILINE)]
    pinned = (ROOT / "tests" / "lowest-versions.txt").read_text(encoding="utf-8").splitlines()[1:]

    assert {_release(each) for each in pinned} == {_release("".join(each)) for each in allowed}


def _release(requirement: str) -> tuple[str, tuple[int, ...]]:
    """Return the name and the version of a requirement; 2.3 and 2.3.0 are one version."""
    name, _, version = requirement.replace("==", ">=").partition(">=")
    numbers = [int(each) for each in version.split(".")]
    while numbers[-1] == 0:
        numbers.pop()
    return name, tuple(numbers)


def test_the_readmes_test_command_is_what_ci_runs() -> None:
    command = "python3 -m venv .venv && .venv/bin/pip install -q tox && .venv/bin/tox"

    assert command in (ROOT / "README.md").read_text(encoding="utf-8")
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
