"""Errors: not raised, or raised after something was changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from assay.cases.case import Case
from assay.cases.outcome import Array, Outcome
from assay.mutants.mutant import Mutant, Scene, tensors_in
from assay_spec.model import Misuse, Op


def mutants(op: Op) -> Iterator[Mutant]:
    seen = set()
    for misuse in (each for overload in op.overloads for each in overload.errors):
        name = f"{misuse.raises} because {misuse.because}"
        if name in seen:
            continue
        seen.add(name)
        yield _mutant("an error not raised", name, misuse, _accepted)
        yield _mutant("an error raised too late", name, misuse, _too_late)
        yield _mutant("another error raised", name, misuse, _another)


def _mutant(kind: str, name: str, misuse: Misuse, change: Callable[[Case, Outcome], Outcome]) -> Mutant:
    def answer(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
        about = scene.trial.about
        asked = isinstance(about, Misuse) and about.because == misuse.because
        if not asked or outcome.raised is None:
            return outcome
        return change(case, outcome)

    return Mutant(f"{kind}: {name}", kind, answer)


def _accepted(case: Case, outcome: Outcome) -> Outcome:
    return Outcome(results=(Array("float32", np.zeros((), np.float32)),))


def _too_late(case: Case, outcome: Outcome) -> Outcome:
    written_to = [name for name, value in tensors_in(case).items() if 0 not in value.shape]
    return replace(outcome, changed=frozenset(written_to[:1])) if written_to else outcome


def _another(case: Case, outcome: Outcome) -> Outcome:
    assert outcome.raised is not None
    return replace(outcome, unsupported=None, raised=replace(outcome.raised, classes=("ArithmeticError", "Exception")))
