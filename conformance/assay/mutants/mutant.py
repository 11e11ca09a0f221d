"""What a mutant is: one way to be wrong, applied to a good backend's answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from assay.cases.arrays import Host
from assay.cases.case import Case, TensorValue
from assay.cases.outcome import Array, Outcome, Raised
from assay.facets.base import Trial
from assay.judge.bench import Bench
from assay_spec.model import Op


@dataclass(frozen=True, slots=True)
class Scene:
    """What a mutant may use to answer: the current trial, and the good backend on its bench."""

    op: Op
    facet: str
    trial: Trial
    bench: Bench
    memory: dict[Any, Any] = field(default_factory=dict)  # what one mutated backend remembers from call to call

    def ask(self, case: Case) -> Outcome:
        """Return the good backend's answer to another case."""
        return self.bench.candidate.perform(case)


Answer = Callable[[Case, Outcome, Scene], Outcome]
OnCalls = Callable[[Case, Outcome, Scene], Outcome]
OnResults = Callable[[Array, Case], Host | Array | None]  # None leaves the result as it is


@dataclass(frozen=True, slots=True)
class Mutant:
    """One way to be wrong. Where it makes no difference to a case, it returns the good outcome itself."""

    name: str  # what is wrong, and of which argument, result or error
    kind: str  # what is wrong
    answer: Answer


def mutant(kind: str, answer: OnCalls, of: str = "", *, where_it_raises: bool = False) -> Mutant:
    """Return a mutant of calls that returned, or else of those that rightly raised."""

    def on_calls(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
        if case.call is None or outcome.unsupported or (outcome.raised is not None) is not where_it_raises:
            return outcome
        return answer(case, outcome, scene)

    return Mutant(f"{kind}: {of}" if of else kind, kind, on_calls)


def asked(change: Callable[[Case], Case | None]) -> OnCalls:
    """Return an answer to a changed call; where the change is None, the good answer."""

    def answer(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
        other = change(case)
        return outcome if other is None else scene.ask(other)

    return answer


def results(change: OnResults) -> OnCalls:
    """Return an answer with changed elements in each result; where the change is None, the result is kept."""

    def answer(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
        return with_results(outcome, lambda result, index: change(result, case))

    return answer


def with_results(outcome: Outcome, change: Callable[[Array, int], Host | Array | None]) -> Outcome:
    """Return an outcome with its tensors changed; the same object if none is."""
    found = [_changed(each, change, index) for index, each in enumerate(outcome.results)]
    if all(new is old for new, old in zip(found, outcome.results, strict=True)):
        return outcome
    return replace(outcome, results=tuple(found))


def _changed(result: Any, change: Callable[[Array, int], Host | Array | None], index: int) -> Any:
    if not isinstance(result, Array):
        return result
    with np.errstate(all="ignore"):
        new = change(result, index)
    if new is None:
        return result
    if isinstance(new, Array):
        return new
    array = np.asarray(new)
    return replace(result, array=array, strides=result.strides if array.shape == result.shape else None)


def with_gradients(outcome: Outcome, change: Callable[[str, Array], Array | None]) -> Outcome:
    """Return an outcome with each gradient changed."""
    if not outcome.gradients:
        return outcome
    with np.errstate(all="ignore"):
        found: Mapping[str, Array | None] = {
            name: gradient and change(name, gradient) for name, gradient in outcome.gradients.items()
        }
    if all(found[name] is outcome.gradients[name] for name in found):
        return outcome
    return replace(outcome, gradients=found)


def tensors_in(case: Case) -> dict[str, TensorValue]:
    """Return the tensor arguments of a call by name, except those in lists."""
    return {name: value for name, value in case.arguments.items() if isinstance(value, TensorValue)}


def leading(case: Case) -> TensorValue | None:
    return next(iter(tensors_in(case).values()), None)


def with_argument(case: Case, name: str, value: Any) -> Case:
    return case.with_arguments({**case.arguments, name: value})


def raised(kind: str, message: str) -> Outcome:
    return Outcome(raised=Raised((kind,), message))


def is_run(case: Case) -> bool:
    """Return whether a case calls a method of one object repeatedly."""
    return case.step("call0") is not None and not case.scenario


def over_runs(kind: str, change: Callable[[Case], Case | None], of: str = "") -> Mutant:
    """Return a mutant of runs, which answers a changed run."""

    def answer(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
        if not is_run(case) or outcome.unsupported or outcome.raised:
            return outcome
        other = change(case)
        return outcome if other is None else scene.ask(other)

    return Mutant(f"{kind}: {of}" if of else kind, kind, answer)
