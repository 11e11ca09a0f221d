"""First and second derivatives of every function of the corpus, against real PyTorch and against slopes.

The calls are those that the suite's gradient facet draws, and calls on special values. Where PyTorch may choose among
ties, none are drawn; nor are numbers that overflow in sums and products, whose order is each library's own.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assay.backends.interpreter import Differentiable, Run
from assay.backends.namespace import TorchBackend
from assay.backends.reference import ReferenceBackend
from assay.cases.case import Case, TensorValue, map_tensors
from assay.cases.fill import elements
from assay.facets import gradient
from assay.facets.base import SamplingRequest, plans
from assay.judge.bench import tensors_of
from assay_spec import load_corpus
from assay_spec.model import Op
from assay_spec.plans import Fill

STEP = 2.0**-20
LARGEST = 100  # elements: products of more overflow
REFERENCE = ReferenceBackend()
OPS = {op.name: op for op in load_corpus() if gradient.applies(op) and "nn" not in op.area}


def dtypes(op: Op) -> Iterator[str]:
    yield from (each for each in gradient.gradient_dtypes(op) if each in ("float64", "complex128"))


def drawn(op: Op, dtype: str) -> Iterator[Case]:
    """Yield the calls of the gradient facet: shapes, options, layouts and values, ties among them, of one dtype."""
    for trial in gradient.trials(op, SamplingRequest(dtype, "quick", 0)):
        case = trial.case
        small = all(math.prod(each.shape) <= LARGEST for each in tensors_of(case))
        if not trial.needs_oracle and small and all(case.input(name).dtype == dtype for name in case.wrt):
            yield case


def special(op: Op, dtype: str) -> Iterator[Case]:
    """Yield calls on NaN, infinities and signed zeros."""
    for plan in plans(op, SamplingRequest(dtype, "quick", 0, walk_only=True), "special", fits=chooses_nothing):
        if any(getattr(getattr(each, "fill", None), "kind", None) == "special" for each in plan.given.values()):
            case = gradient.differentiated(op, plan, 0)
            if case is not None:
                yield map_tensors(case, tamed)


def chooses_nothing(overload: Any) -> bool:
    """Return whether PyTorch itself always chooses the same among equal elements."""
    return bool(overload.gradient) and all(budget.kind != "law" for budget in overload.judge.values())


def tamed(value: TensorValue) -> TensorValue:
    """Put 2 for numbers that overflow, and zero for those that vanish, in whatever is made of them."""
    if value.buffer.dtype.kind != "f":
        return value
    size = np.abs(value.buffer)
    moderate = np.where(np.isfinite(size) & (size > 1e9), np.copysign(2.0, value.buffer), value.buffer)
    return value.holding(np.where(size < 1e-9, np.copysign(0.0, value.buffer), moderate))


def weights(name: str, case: Case, seed: int = 5) -> TensorValue:
    """Return what a gradient is multiplied by, in order to be differentiated again."""
    source = case.input(name)
    return TensorValue.of(elements(source.dtype, source.shape, Fill("plain", seed, -2.0, 2.0), case.wrt.index(name)))


def derivatives(backend: Any, case: Case) -> tuple[list[Any], list[Any], list[Any]]:
    """Return the results, the gradients of the inputs, and the gradients of these, also by what flows in."""
    grad = backend.torch.autograd.grad
    trace = Differentiable(Run(backend, case))
    results = trace(trace.inputs)
    inputs = [trace.leaf(name) for name in case.wrt]
    upstream = [backend.native(replace(value, requires_grad=True)) for value in case.upstream.values()]
    outputs = [results[position] for position in case.upstream]
    first = grad(outputs, inputs, upstream, create_graph=True, allow_unused=True)
    weighed = [
        (each, backend.native(weights(name, case)))
        for name, each in zip(case.wrt, first, strict=True)
        if each is not None and each.requires_grad
    ]
    second = [None] * (len(inputs) + len(upstream))
    if weighed:
        roots, over = zip(*weighed, strict=True)
        second = grad(roots, [*inputs, *upstream], over, allow_unused=True)
    return tuple(
        [None if each is None else host(backend, each) for each in found] for found in (outputs, first, second)
    )


def host(backend: Any, gradient: Any) -> Any:
    return backend.to_host(gradient.detach().clone()).array  # a clone, as PyTorch gives no array of zeros not stored


def assert_close(actual: Any, expected: Any, rtol: float) -> None:
    """Compare two gradients; none at all is as good as zero."""
    if actual is None or expected is None:
        assert not np.any(0 if actual is None else actual) and not np.any(0 if expected is None else expected)
        return
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    size = np.max(np.abs(expected[np.isfinite(expected)]), initial=1.0)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * size)


def compare(case: Case, orders: int) -> None:
    torch = pytest.importorskip("torch")
    genuine = TorchBackend(torch)
    if not genuine.offers(case.op):
        pytest.skip("torchvision is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = derivatives(genuine, case)
        actual = derivatives(REFERENCE, case)
    assert [each is None for each in actual[1]] == [each is None for each in expected[1]]
    for order in range(1, orders + 1):
        for one, other in zip(actual[order], expected[order], strict=True):
            assert_close(one, other, rtol=1e-8)


@pytest.mark.parametrize("name", OPS)
def test_first_and_second_derivatives_are_those_of_pytorch(name: str) -> None:
    for dtype in dtypes(OPS[name]):
        for case in drawn(OPS[name], dtype):
            compare(case, orders=2)


@pytest.mark.parametrize("name", OPS)
def test_derivatives_at_nan_and_infinities_are_those_of_pytorch(name: str) -> None:
    for case in special(OPS[name], "float64"):
        compare(case, orders=2 if OPS[name].area == "pointwise" else 1)


def moved(case: Case, distance: float) -> Case:
    """Return the call with all inputs moved along one direction."""

    def shifted(name: str, value: Any) -> Any:
        if isinstance(value, (tuple, list)):
            return type(value)(shifted(f"{name}.{position}", each) for position, each in enumerate(value))
        if name not in case.wrt:
            return value
        array = value.array() + distance * weights(name, case, 11).array()
        return TensorValue.of(array, value.dtype, requires_grad=True)

    return case.with_arguments({name: shifted(name, value) for name, value in case.arguments.items()})


def inner(values: list[Any], others: Any) -> float:
    """Multiply element by element, a complex number being two real ones, and add up; no gradient is a zero one."""
    pairs = zip(values, others, strict=True)
    with np.errstate(all="ignore"):
        return float(sum(np.sum((np.conj(value) * other.array()).real) for value, other in pairs if value is not None))


def slopes(case: Case, order: int) -> tuple[float, float, float]:
    """Return the slope of the weighed results, or gradients, on either side, and what the gradients say it is."""
    weighed = [weights(name, case) for name in case.wrt] if order else list(case.upstream.values())
    directions = [weights(name, case, 11) for name in case.wrt]
    behind, here, ahead = (derivatives(REFERENCE, moved(case, distance * STEP)) for distance in (-1, 0, 1))
    values = [inner(each[order], weighed) for each in (behind, here, ahead)]
    said = inner(here[order + 1][: len(directions)], directions)
    return (values[1] - values[0]) / STEP, (values[2] - values[1]) / STEP, said


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("order", [0, 1], ids=["first", "second"])
@pytest.mark.parametrize("name", OPS)
def test_a_derivative_is_the_slope_along_a_direction(name: str, order: int) -> None:
    compared = 0
    for dtype in dtypes(OPS[name]):
        for case in drawn(OPS[name], dtype):
            left, right, said = slopes(case, order)
            size = 1 + abs(left) + abs(right)
            # Elsewhere there is a kink, a discontinuity, or the end of the domain.
            if abs(left - right) < 1e-4 * size and not math.isnan(said):
                compared += 1
                assert said == pytest.approx((left + right) / 2, rel=1e-5, abs=1e-5 * size), case
    assert compared
