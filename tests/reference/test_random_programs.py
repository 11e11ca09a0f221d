"""Random programs, every step of which is held against real PyTorch; benchmarks/random_programs.py runs thousands."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def programs() -> Any:
    """Return the module that writes programs, runs them and shrinks them."""
    if not BENCHMARKS.exists():
        pytest.skip("the benchmarks are not in this checkout")
    sys.path.insert(0, str(BENCHMARKS))
    try:
        return import_module("random_programs")
    finally:
        sys.path.remove(str(BENCHMARKS))


@pytest.mark.parametrize("number", range(40))
def test_a_random_program_does_what_it_does_in_pytorch(programs: Any, number: int) -> None:
    found = programs.write_and_run(0, number, 10)
    differs = found.difference is not None and not found.difference.excluded
    assert not differs, programs.shown(*programs.shrunk(found.program, found.difference))


def test_a_seed_writes_the_same_program_again(programs: Any) -> None:
    first, second = (programs.write_and_run(3, 5, 10).program for _ in range(2))
    assert first == second
    assert first != programs.write_and_run(3, 6, 10).program


def test_a_difference_is_shrunk_to_what_shows_it(programs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {**programs.FACTS, "shape": lambda each: (tuple(each.shape), hasattr(each, "_array") and each.ndim == 2)}
    monkeypatch.setattr(programs, "FACTS", facts)
    program = ["a = torch.tensor([1.0, 2.0])", "b = a * 3.0", "c = torch.stack([a, b])", "d = c.sum()"]
    smallest, difference = programs.shrunk(program, programs.run(program))
    assert difference.what == "shape"
    assert len(smallest) <= 2
    assert programs.shown(smallest, difference).startswith("import torch\n")
