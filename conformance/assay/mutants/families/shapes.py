"""Shapes and layouts: broadcasting, empty and 0-d tensors, strides and offsets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from assay.cases.arrays import Host
from assay.cases.case import Case, TensorValue
from assay.cases.outcome import Array, Outcome
from assay.mutants.mutant import Mutant, Scene, asked, leading, mutant, raised, results, tensors_in, with_argument
from assay_spec.model import Op
from assay_spec.plans import row_major


def mutants(op: Op) -> Iterator[Mutant]:
    tensors = _tensor_arguments(op)
    if not tensors:
        return
    if any("like=" in argument.source.source for overload in op.overloads for argument in overload.arguments):
        yield mutant("broadcasting refused", _refused)
        yield mutant("broadcast from the left", asked(_from_the_left))
    yield mutant("an empty tensor refused", _empty_refused)
    yield mutant("nothing reduced to another number", results(_of_nothing))
    yield mutant("a 0-d tensor taken for a 1-d one", results(_one_more))
    for name in tensors:
        yield mutant("strides ignored", asked(partial(_in_a_row, name=name)), name)
        yield mutant("an offset ignored", asked(partial(_from_the_start, name=name)), name)


def _tensor_arguments(op: Op) -> list[str]:
    found = [each.name for overload in op.overloads for each in overload.arguments if "tensor" in " ".join(each.kinds)]
    return list(dict.fromkeys(found))


def _refused(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    shapes = {value.shape for value in tensors_in(case).values()}
    return raised("RuntimeError", "the shapes differ") if len(shapes) > 1 else outcome


def _from_the_left(case: Case) -> Case | None:
    """Align the dimensions of smaller tensors with the first ones of the largest."""
    tensors = {name: value for name, value in tensors_in(case).items() if name != "out"}
    rank = max((len(value.shape) for value in tensors.values()), default=0)
    moved = {name: _lengthened(value, rank) for name, value in tensors.items() if 0 < len(value.shape) < rank}
    return replace(case.with_arguments({**case.arguments, **moved}), wrt=(), upstream={}) if moved else None


def _lengthened(value: TensorValue, rank: int) -> TensorValue:
    shape = value.shape + (1,) * (rank - len(value.shape))
    return TensorValue.of(value.array().reshape(shape), value.dtype)


def _empty_refused(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    empty = any(0 in value.shape for value in tensors_in(case).values())
    return raised("RuntimeError", "the tensor is empty") if empty else outcome


def _of_nothing(result: Array, case: Case) -> Host | None:
    tensor = leading(case)
    if tensor is None or 0 not in tensor.shape or not result.array.size:
        return None
    return np.where(result.array == 1, 0, 1).astype(result.array.dtype)


def _one_more(result: Array, case: Case) -> Host | None:
    tensor = leading(case)
    return result.array.reshape(1) if tensor is not None and not tensor.shape and not result.shape else None


def _in_a_row(case: Case, name: str) -> Case | None:
    value = case.arguments.get(name)
    if not isinstance(value, TensorValue) or value.strides == row_major(value.shape):
        return None
    count = int(np.prod(value.shape))
    buffer = np.resize(value.buffer[value.offset :], count)
    return with_argument(
        case, name, TensorValue(value.dtype, value.shape, buffer, row_major(value.shape), 0, value.requires_grad)
    )


def _from_the_start(case: Case, name: str) -> Case | None:
    value = case.arguments.get(name)
    if not isinstance(value, TensorValue) or not value.offset:
        return None
    return with_argument(case, name, replace(value, offset=0))
