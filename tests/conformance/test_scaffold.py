"""What `assay new-backend` writes is a backend, and says how to run it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from assay.backends.base import Feature
from assay.backends.discover import open_backend
from assay.backends.self_check import self_check
from assay.cli.scaffold import write


def test_the_adapter_is_sound_and_the_printed_text_opens_it(tmp_path: Path) -> None:
    told = write("peb_ble", tmp_path / "new")

    backend = told.rpartition(" ")[2]
    self_check(open_backend(backend))

    assert backend == f"{tmp_path}/new/peb_ble_assay.py:PebBleBackend"
    assert told == f"wrote {tmp_path}/new/peb_ble_assay.py and {tmp_path}/new/test_peb_ble_assay.py; next: " + (
        f"assay run --backend {backend}"
    )


@pytest.mark.parametrize("like_torch", [False, True])
def test_the_adapter_names_itself_as_the_command_does(like_torch: bool, tmp_path: Path) -> None:
    write("pebble", tmp_path, like_torch=like_torch)

    text = (tmp_path / "pebble_assay.py").read_text()
    assert re.findall(r"--backend (\S+?)[`\n]", text) == ["pebble_assay.py:PebbleBackend"]


def test_the_adapter_says_where_the_library_is_imported_and_what_features_there_are(tmp_path: Path) -> None:
    write("pebble", tmp_path)

    text = (tmp_path / "pebble_assay.py").read_text()
    assert "import numpy as np  # stands in for pebble: import that" in text
    assert f"features=(),  # of: {', '.join(get_args(Feature))}\n" in text
    assert all(f"# def {method}(self, " in text for method in ("overwrite", "differentiate"))


def test_the_test_passes(tmp_path: Path) -> None:
    write("pebble", tmp_path)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert "1 passed" in done.stdout, done.stdout


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write("pebble", tmp_path)

    with pytest.raises(ValueError, match=r"pebble_assay.py exists already; move it away or choose another name$"):
        write("pebble", tmp_path)
