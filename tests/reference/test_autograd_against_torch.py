"""Functions of one's own, hooks, writes that the graph must notice, backward and the switches, against real PyTorch.

Each program of calls/autograd.txt begins with a comment, which is its name, and is run in both libraries; compared is
what it leaves as `result`, or what it raises, in words.
"""

from __future__ import annotations

import re
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import assay_reference

torch = pytest.importorskip("torch")

PROGRAMS = re.split(r"\n\n(?=# )", (Path(__file__).parent / "calls" / "autograd.txt").read_text().rstrip())


def name_of(program: str) -> str:
    return program.split("\n")[0].removeprefix("# ")


def plain(value: Any) -> Any:
    """Return a value that is equal in both libraries: numbers for tensors, words for types."""
    if isinstance(value, (tuple, list)):
        return type(value)(map(plain, value)) if type(value) in (tuple, list) else str(value)
    if isinstance(value, (torch.Tensor, assay_reference.Tensor)):
        return str(value.dtype), tuple(value.shape), value.detach().tolist()
    if isinstance(value, str):  # where PyTorch was built, it says too
        return value.split(" (Triggered internally")[0]
    return value if isinstance(value, (bool, int, float, type(None))) else repr(value)


def outcome(library: Any, program: str) -> Any:
    """Run a program; return its result, or what it raises in words."""
    function = import_module(f"{library.__name__}.autograd.function")
    names = {
        "torch": library,
        "x": library.tensor([1.0, 2.0, 3.0], requires_grad=True),
        "seen": [],
        "Function": function.Function,
        "once_differentiable": function.once_differentiable,
        "result": None,
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(program, names)
        return plain(names["result"])
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        library.set_grad_enabled(True)


@pytest.mark.parametrize("program", PROGRAMS, ids=name_of)
def test_a_program_does_what_it_does_in_pytorch(program: str) -> None:
    assert outcome(assay_reference, program) == outcome(torch, program)
