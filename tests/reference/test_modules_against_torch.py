"""Members, hooks, states, messages and the repr of modules against real PyTorch.

Each program of calls/modules.txt begins with a comment, which is its name, and is run in both libraries; compared is
what it leaves as `result`, or what it raises, and what it warns of, in words.
"""

from __future__ import annotations

import re
import warnings
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import assay_reference

torch = pytest.importorskip("torch")

PROGRAMS = re.split(r"\n\n(?=# )", (Path(__file__).parent / "calls" / "modules.txt").read_text().rstrip())


def name_of(program: str) -> str:
    return program.split("\n")[0].removeprefix("# ")


def names(pairs: Any) -> list[str]:
    return [name for name, _ in pairs]


def trial(function: Callable[[], Any]) -> Any:
    """Call a function; return its result, or what it raises in words."""
    try:
        return function()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def networks(library: Any) -> dict[str, Any]:
    """Make a class with one of each kind of member, and a small network."""
    nn = library.nn

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(2, 1)
            self.w = nn.Parameter(library.ones(2))
            self.register_buffer("b", library.zeros(1))
            self.register_buffer("c", library.zeros(1), persistent=False)
            self.x = 1

        def forward(self, x: Any, y: Any = 0, *, z: Any = 0) -> Any:
            return self.a(x) + y + z

    return {"Net": Net, "net": lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))}


def outcome(library: Any, program: str) -> list[str]:
    """Run a program; return its result, or what it raises, and its warnings in words."""
    library.manual_seed(0)
    tools = {"names": names, "trial": trial, "OrderedDict": OrderedDict, **networks(library)}
    scope = {"torch": library, "nn": library.nn, "__name__": "program", "result": None, **tools}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        said = trial(lambda: exec(program, scope)) or trial(lambda: repr(scope["result"]))
    words = [str(said), *(f"{each.category.__name__}: {each.message}" for each in caught)]
    return [re.sub("0x[0-9a-f]+", "0x…", each.replace("assay_reference.", "torch.")) for each in words]


@pytest.mark.parametrize("program", PROGRAMS, ids=name_of)
def test_a_program_of_modules_does_what_it_does_in_pytorch(program: str) -> None:
    assert outcome(assay_reference, program) == outcome(torch, program)
