"""Order and rounding: the choice among ties, the rounding of halves, the sign of a remainder."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from assay.cases.arrays import Host
from assay.cases.case import Case, TensorValue
from assay.cases.outcome import Array, Outcome
from assay.mutants.mutant import Mutant, Scene, asked, leading, mutant, results, with_argument, with_results
from assay_spec.model import Op, Overload


def mutants(op: Op) -> Iterator[Mutant]:
    if any(map(_picks, op.overloads)):
        yield mutant("ties taken from the other end", _from_the_end)
    match op.name:
        case "torch.round":
            yield mutant("halves rounded up", results(_half_up))
        case "torch.remainder" | "torch.fmod":
            other = "torch.fmod" if op.name == "torch.remainder" else "torch.remainder"
            yield mutant("the other operand's sign", asked(lambda case: _as(case, other)))
        case "torch.div":
            yield mutant("truncated for floored", asked(lambda case: _rounding(case, "floor", "trunc")))
            yield mutant("floored for truncated", asked(lambda case: _rounding(case, "trunc", "floor")))


def _picks(overload: Overload) -> bool:
    """Return whether a call returns indices along a dimension of the elements that it picked."""
    names = {argument.name for argument in overload.arguments}
    return "dim" in names and any(rule.dtype is not None and rule.dtype.source == "int64" for rule in overload.results)


def _from_the_end(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    """Return the answer for the reversed tensor, with indices counted from the front again."""
    tensor, plan = leading(case), scene.trial.plan
    if tensor is None or not tensor.shape or plan is None or case.wrt or case.form != "function":
        return outcome
    dim = plan.scope.get("dim", plan.scope.get("input"))
    if not isinstance(dim, int) or not _settled(case, plan.overload):
        return outcome
    backwards = TensorValue.of(np.flip(tensor.array(), dim).copy(), tensor.dtype)
    other = scene.ask(with_argument(case, next(iter(case.arguments)), backwards))
    if other.raised or len(other.results) != len(outcome.results):
        return outcome
    last = tensor.shape[dim] - 1

    def change(result: Array, index: int) -> Host | None:
        answer = other.results[index]
        if not isinstance(answer, Array) or answer.shape != result.shape:
            return None
        return np.asarray(last - answer.array if result.dtype == "int64" and index else answer.array)

    return with_results(outcome, change)


def _settled(case: Case, overload: Overload) -> bool:
    """Return whether PyTorch specifies the order of ties: where it does not, the other order is no mutant."""
    free = any(overload.judge[rule.name].kind == "law" for rule in overload.results if rule.name in overload.judge)
    return not free or case.arguments.get("stable") is True


def _half_up(result: Array, case: Case) -> Host | None:
    tensor = leading(case)
    if (
        tensor is None
        or len(case.arguments) > 1
        or tensor.array().dtype.kind not in "f"
        or tensor.shape != result.shape
    ):
        return None
    return np.floor(tensor.array() + 0.5).astype(result.array.dtype)


def _as(case: Case, op: str) -> Case:
    return case.with_step("", target=op)


def _rounding(case: Case, wanted: str, given: str) -> Case | None:
    return with_argument(case, "rounding_mode", given) if case.arguments.get("rounding_mode") == wanted else None
