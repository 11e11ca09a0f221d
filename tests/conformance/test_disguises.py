"""Nothing that answers with PyTorch's own answers is ever accused, whatever it lacks and however it is used."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from assay.backends.namespace import NamespaceBackend
from assay.cases.case import TensorValue, called
from assay_reports.results import read_results

torch = pytest.importorskip("torch")

NAMES = runpy.run_path(str(Path(__file__).with_name("disguises.py")))
DISGUISES, ASKED, FEW = NAMES["DISGUISES"], NAMES["ASKED"], NAMES["FEW"]
# The whole of the corpus takes each of them some minutes: a part of it is run here, and all with ASSAY_DISGUISES=whole.
WHOLE = os.environ.get("ASSAY_DISGUISES") == "whole"


@pytest.mark.parametrize(("place", "name"), list(enumerate(DISGUISES, 1)), ids=DISGUISES)
def test_pytorch_in_disguise_is_never_accused(place: int, name: str, tmp_path: Path) -> None:
    parts = 1 if WHOLE else 12 if name in FEW else 24 * len(DISGUISES)
    shard = f"{place % parts + 1}/{parts}"
    done = subprocess.run(
        [sys.executable, "-m", "assay.cli", "run", "-b", DISGUISES[name], "--oracle", "torch",
         "--filter", ASKED.get(name, ""), "--shard", shard, "-j", "auto" if WHOLE else "1", "--no-report",
         "-o", str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    (file,) = tmp_path.glob("*.jsonl")
    run = read_results(file)
    assert run.complete
    assert [(each.id, each.message) for each in run.results if each.broken] == []
    assert done.returncode == 0
    assert run.score.conformance == 1.0
    assert (run.score.coverage or 0) > 0.01, "it offers what it has"


def test_gradients_that_a_failing_case_left_off_are_on_for_the_next() -> None:
    def breaks(input: object) -> None:
        torch.set_grad_enabled(False)
        raise ValueError("in the middle")

    backend = NamespaceBackend(NAMES["Masked"](torch, abs=breaks), name="breaks")

    outcome = backend.perform(called("torch.abs", {"input": TensorValue.of(np.ones(2, np.float32))}, ("input",)))

    assert outcome.raised is not None and outcome.raised.message == "in the middle"
    assert torch.is_grad_enabled()
