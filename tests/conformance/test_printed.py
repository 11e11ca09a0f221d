"""What is printed runs, over each kind of backend: every snippet and every `again:` line shows what was reported."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assay_reports.records import Finding
from assay_reports.results import Run, read_results

pytest.importorskip("torch")

CANDIDATES = Path(__file__).with_name("candidates.py")

LIBRARY = '''
"""A library with PyTorch's names and some bugs."""

from types import SimpleNamespace

import assay_reference as real


def exp(input, *, out=None):
    return real.exp(input) + 1


def cumsum(input, dim, **options):
    result = real.cumsum(input, dim, **options)
    return result.to(real.float64) if result.is_floating_point() else result


def mm(input, mat2, *, out=None):
    if input.dtype == real.float64:
        raise RuntimeError("mm: the second matrix is odd")
    return real.mm(input, mat2)


def topk(input, k, *args, **options):
    values, indices = real.topk(input, k, *args, **options)
    return values * 2, indices


class ReLU(real.nn.ReLU):
    def forward(self, input):
        return super().forward(input) - 1


nn = SimpleNamespace(ReLU=ReLU, functional=real.nn.functional, Module=real.nn.Module)


def __getattr__(name):
    return getattr(real, name)
'''

# Runs a program, and prints what it prints as plain data.
READER = """
import json, sys

def plain(value):
    if isinstance(value, (tuple, list)):
        return [plain(each) for each in value]
    if hasattr(value, "tolist"):
        return {"data": repr(value.tolist()), "shape": list(value.shape), "dtype": str(value.dtype).rpartition(".")[2]}
    return repr(value)

def show(*values):
    sys.stdout.write(json.dumps(plain(values)) + "\\n")

exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"), {"__name__": "__main__", "print": show})
"""


def python(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(cwd), os.environ.get("PYTHONPATH", "")])}
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def run(backend: str, filter: str, folder: Path) -> Run:
    (folder / "my_lib.py").write_text(LIBRARY)
    shutil.copyfile(CANDIDATES, folder / "my_adapter.py")
    python("-m", "assay.cli", "run", "-b", backend, "--oracle", "torch", "--effort", "quick", "--seed", "2", "-j", "1",
           "--no-report", "--filter", filter, cwd=folder)  # fmt: skip
    (file,) = (folder / "out").glob("*.jsonl")
    return read_results(file)


def shown(snippet: str, folder: Path) -> tuple[list[Any], str]:
    """Run a snippet; return what it prints, and the last line of what it says where it fails."""
    (folder / "snippet.py").write_text(snippet)
    done = python("-c", READER, "snippet.py", cwd=folder)
    return [json.loads(line) for line in done.stdout.splitlines()], (done.stderr.strip().splitlines() or [""])[-1]


NONFINITE = {
    name + end: complex(0, float(name)) if end else float(name) for name in ("nan", "inf") for end in ("", "j")
}


def elements(printed: list[Any]) -> list[str]:
    """Return every number that was printed, as text."""
    found: list[str] = []

    def visit(value: Any) -> None:
        if isinstance(value, (list, tuple)):
            for each in value:
                visit(each)
        elif isinstance(value, dict):
            visit(eval(value["data"], NONFINITE))
        else:
            found.append(value if isinstance(value, str) else repr(value))

    visit(printed)
    return found


def shows(finding: Finding, said: str, printed: list[Any], failed: str) -> bool:
    """Return whether a program shows what a finding says that came, or was due."""
    if finding.code in ("A301", "A503"):
        return failed.startswith(said.partition("\n")[0])
    if finding.code == "A202":
        return any(f'"dtype": "{said}"' in json.dumps(each) for each in printed)
    if finding.code == "A201":
        return any(f'"shape": {said}' in json.dumps(each) for each in printed)
    return any(_is_the_same(said, each) for each in elements(printed))


def _is_the_same(said: str, printed: str) -> bool:
    """Return whether two texts are the same number: what is judged is cast to the type that is due."""
    return said == printed or eval(said, NONFINITE) == eval(printed, NONFINITE)


NUMBERS = ("A101", "A102", "A103", "A105", "A201", "A202", "A301", "A501", "A503")
FILTER = (
    "op:torch.exp op:torch.cumsum op:torch.mm op:torch.topk op:torch.nn.ReLU -facet:signature -facet:in-place"
    " -dtype:float16 -dtype:bfloat16 -dtype:int* -dtype:uint8"
)


def test_every_snippet_of_a_library_with_pytorchs_names_prints_what_was_reported(tmp_path: Path) -> None:
    found = [each for result in run("namespace:my_lib", FILTER, tmp_path).results for each in result.broken]
    told = {f"{each.code} {each.call}": each for each in found if each.code in NUMBERS}

    wrong = {}
    for name, finding in told.items():
        printed, failed = shown(finding.snippet, tmp_path)
        if not shows(finding, finding.actual, printed, failed):
            wrong[name] = (finding.actual, printed, failed)

    assert len({each.code for each in told.values()}) >= 4
    assert wrong == {}


@pytest.mark.parametrize(
    "backend",
    ["my_adapter.py:AlwaysWrong", f"exec:{shlex.quote(sys.executable)} my_adapter.py says_index_error"],
    ids=["a table", "a harness"],
)
def test_every_snippet_of_another_backend_prints_what_was_due(backend: str, tmp_path: Path) -> None:
    found = [each for result in run(backend, "torch.add facet:values", tmp_path).results for each in result.broken]
    assert found

    for finding in found:
        assert finding.snippet.startswith("# It prints PyTorch's answer, not that of ")
        printed, failed = shown(finding.snippet, tmp_path)
        assert failed == ""
        if finding.code in NUMBERS and finding.code != "A301":
            assert finding.expected in elements(printed)


@pytest.mark.parametrize(
    ("backend", "filter"),
    [
        ("namespace:my_lib", "op:torch.exp op:torch.topk op:torch.nn.ReLU facet:values facet:state dtype:float32"),
        ("my_adapter.py:AlwaysWrong", "torch.add::values[float32]"),
        (f"exec:{shlex.quote(sys.executable)} my_adapter.py says_index_error", "torch.add::values[float32]"),
        ("numpy", "torch.sort::values[float32] torch.clamp::errors"),
    ],
    ids=["names", "table", "harness", "built in"],
)
def test_every_again_line_shows_what_was_reported(backend: str, filter: str, tmp_path: Path) -> None:
    done = run(backend, filter, tmp_path)
    broken = [result for result in done.results if result.broken]
    assert broken

    for result in broken:
        words = shlex.split(done.again(result.id))
        again = python("-m", "assay.cli", *words[1:], cwd=tmp_path)

        assert words[:2] == ["assay", "repro"]
        assert again.returncode == 1
        for finding in result.broken:
            assert f"{finding.code} {finding.message}".splitlines()[0] in again.stdout


def test_a_tensor_that_is_too_long_to_read_is_written_whole(tmp_path: Path) -> None:
    import numpy as np

    from assay.cases.case import TensorValue, called
    from assay.cases.spelling import program

    values = np.arange(500, dtype=np.float32).reshape(20, 25) / 7
    text = program(called("torch.neg", {"input": TensorValue.of(values)}, ("input",)))

    printed, failed = shown(text, tmp_path)

    assert failed == ""
    assert [float(each) for each in elements(printed)] == [-float(each) for each in values.reshape(-1)]
