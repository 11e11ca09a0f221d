"""The programs under examples/ run on the reference, learn what they should, and print what they print on PyTorch."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
IMPORTED = re.compile(r"^(?:import|from) (torch\w*)", re.MULTILINE)
NUMBER = re.compile(r"-?\d+\.\d+")
ON_PYTORCH = """
import runpy, sys
if sys.argv[2:] == ["torchvision"]:
    from assay.backends import vision
    vision.installed()
sys.argv[:] = sys.argv[1:2]
runpy.run_path(*sys.argv, run_name="__main__")
"""

# What the last line says of a program that has learned.
LAST_LINES = {
    "characters.py": r"four for a boy",
    "classifier.py": r"the last layer trained anew: best accuracy \d\.\d+",
    "dcgan.py": r"saved: \(3, 138, 138\), brightness 0\.\d+",
    "digits.py": r"loaded again: (9\d|100)\.\d% right",
    "gan.py": r"off by 0\.[01]\d of 3\.0",
    "mnist.py": r"Test set: Average loss: 0\.0\d+, Accuracy: (9\d|100)/100 .*",
    "polynomial.py": r"y = 0\.2\d\d -[12]\.\d+ x\^1 \+0\.[456]\d\d x\^2 \+[23]\.\d+ x\^3 -[01]\.\d+ x\^4",
    "sine.py": r"off by at most 0\.[01]\d\d",
    "style.py": r"RGB \(32, 32\), brightness 0\.\d\d",
    "superresolution.py": r"from \(30, 28\) to \(60, 56\)",
    "transformer.py": r"sorted: \[0, 1, 2, 3, 7\]",
    "vae.py": r".*\]\]\]\)",
    "words.py": r"epoch \d+: loss .*, perplexity 1\.\d+, rate .*",
}


def printed(*command: str) -> list[str]:
    """Run a program and return the lines that it prints."""
    one_thread = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # several wait for each other
    answer = subprocess.run(
        [sys.executable, *command], cwd=EXAMPLES, env=one_thread, capture_output=True, text=True, timeout=300
    )
    assert answer.stderr == ""
    return answer.stdout.splitlines()


def numbers(line: str) -> list[float]:
    return [float(each) for each in NUMBER.findall(line)]


def test_every_example_is_run() -> None:
    assert {each.name for each in EXAMPLES.glob("*.py")} == LAST_LINES.keys()


@pytest.mark.parametrize("program", LAST_LINES)
def test_an_example_learns_and_prints_what_it_prints_on_pytorch(program: str) -> None:
    ours = printed("-m", "assay_reference", program)

    assert re.fullmatch(LAST_LINES[program], ours[-1])
    packages = sorted({*IMPORTED.findall((EXAMPLES / program).read_text(encoding="utf-8"))})
    if all(map(importlib.util.find_spec, packages)):
        theirs = printed("-c", ON_PYTORCH, program, *packages[1:])
        assert [NUMBER.sub("#", line) for line in ours] == [NUMBER.sub("#", line) for line in theirs]
        for line, other in zip(ours, theirs, strict=True):
            assert numbers(line) == pytest.approx(numbers(other), rel=1e-3, abs=2e-3), other
