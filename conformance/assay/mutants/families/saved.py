"""Saved tensors: not compared with what they were, or refused where nothing needs them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from assay.cases.case import Case
from assay.cases.outcome import Outcome
from assay.mutants.mutant import Mutant, Scene, mutant, raised
from assay_spec.model import Op

_RESULTS: Final = "the results"
_REFUSAL: Final = "a variable needed for gradient computation has been modified by an inplace operation"


def mutants(op: Op) -> Iterator[Mutant]:
    if not any(overload.gradient for overload in op.overloads):
        return
    arguments = [each.name for overload in op.overloads for each in overload.arguments if each.is_tensor]
    makers = [each.construct for each in op.overloads if each.construct is not None]
    held = [rule.name for maker in makers for rule in (*maker.parameters, *maker.buffers)]
    for name in dict.fromkeys((*arguments, *held, _RESULTS)):
        yield mutant("a saved tensor not checked", partial(_unchecked, name=name), name, where_it_raises=True)
        yield mutant("saved although nothing needs it", partial(_refused, name=name), name)


def _is_of(case: Case, name: str) -> bool:
    """Return whether a case changes a tensor of some name, a member of it, or a result."""
    spoiled = case.spoiled
    if spoiled.isdigit():
        return name == _RESULTS
    return name in (spoiled, spoiled.partition(".")[0])


def _unchecked(case: Case, outcome: Outcome, scene: Scene, name: str) -> Outcome:
    """Answer as if nothing had changed."""
    return scene.ask(replace(case, spoiled="")) if _is_of(case, name) and outcome.during == "backward" else outcome


def _refused(case: Case, outcome: Outcome, scene: Scene, name: str) -> Outcome:
    return replace(raised("RuntimeError", _REFUSAL), during="backward") if _is_of(case, name) else outcome
