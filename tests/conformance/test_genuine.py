"""Real PyTorch as candidate and oracle, in processes in which it is patched, replaced, or its warnings are errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from assay_reports.results import read_results

pytest.importorskip("torch")

PATCHED = """
import sys, types, torch
from assay.backends.namespace import NamespaceBackend

torch.add = torch.sub
sys.modules["torch"] = torch

def Patched():
    return NamespaceBackend(torch)
"""


def test_a_candidate_that_patches_torch_is_judged_by_the_real_one(tmp_path: Path) -> None:
    (tmp_path / "patched.py").write_text(PATCHED)

    subprocess.run(
        [sys.executable, "-m", "assay.cli", "run", "-b", "patched.py:Patched", "--oracle", "torch", "-j", "1",
         "--no-report", "--effort", "quick", "--filter", "torch.add::values[float32]"],
        cwd=tmp_path, capture_output=True, check=False,
    )  # fmt: skip

    (file,) = (tmp_path / "out").glob("*.jsonl")
    run = read_results(file)
    assert [(each.outcome, each.code) for each in run.results] == [("fail", "A101")]
    assert run.header.oracle.file.endswith("/torch/__init__.py")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class torch: pass\n", "is no installed PyTorch"),
        ("import sys\ndef go():\n import torch\n torch.add = lambda *a: 0\ngo()\n", "torch.add is not PyTorch's own"),
    ],
)
def test_an_oracle_that_is_not_what_it_claims_is_refused(text: str, message: str, tmp_path: Path) -> None:
    name = "torch.py" if text.startswith("class") else "sitecustomize.py"
    (tmp_path / name).write_text(text)

    done = subprocess.run(
        [sys.executable, "-m", "assay.cli", "run", "-b", "numpy", "--oracle", "torch", "--filter", "op:torch.sign"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 6
    assert "the oracle: torch" in done.stderr and "Traceback" not in done.stderr


def test_warnings_that_a_project_turns_into_errors_are_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--assay-backend=torch",
         "--assay-filter=op:torch.cross", "--assay-effort=quick"],
        cwd=tmp_path, env={**os.environ, "PYTHONWARNINGS": "error"}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-2000:]
