"""A library that differentiates by transformation is handed the trace as a function of its inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest

from assay.backends.base import Capabilities
from assay.backends.interpreter import Differentiable
from assay.backends.library import Differentiated
from assay.backends.table import TableBackend
from assay.cases.case import Case, TensorValue, called, made, method_call
from assay.cases.outcome import Array
from assay.facets.base import SamplingRequest
from assay.facets.gradient import FACET
from assay.judge.bench import Bench
from assay_spec import load_corpus

Rule = Callable[..., Any]


class Traced:
    """A traced number: its value, and its derivatives by its operands, themselves traced."""

    def __init__(self, value: Any, parents: Sequence[tuple[Traced, Rule]] = ()) -> None:
        self.value, self.parents = np.asarray(value, np.float64), parents

    def __add__(self, other: Traced) -> Traced:
        return Traced(self.value + other.value, [(self, lambda g: g), (other, lambda g: g)])

    def __mul__(self, other: Traced) -> Traced:
        return Traced(self.value * other.value, [(self, lambda g: g * other), (other, lambda g: g * self)])

    def __matmul__(self, other: Traced) -> Traced:
        slopes = [(self, lambda g: g @ other.t()), (other, lambda g: self.t() @ g)]
        return Traced(self.value @ other.value, slopes)

    def t(self) -> Traced:
        return Traced(self.value.T, [(self, lambda g: g.t())])

    def exp(self) -> Traced:
        found = Traced(np.exp(self.value))
        found.parents = [(self, lambda g: g * found)]
        return found


def vjp(function: Callable[..., Sequence[Traced]], *inputs: Traced) -> Callable[[Sequence[Traced]], list[Traced]]:
    """Return the vector-Jacobian product of a function. There is no tape."""
    results = function(*inputs)

    def pull(upstream: Sequence[Traced]) -> list[Traced]:
        slopes: dict[int, Traced] = {}
        order: list[Traced] = []

        def visit(node: Traced) -> None:
            if all(each is not node for each in order):
                for parent, _ in node.parents:
                    visit(parent)
                order.append(node)

        for result, gradient in zip(results, upstream, strict=True):
            visit(result)
            slopes[id(result)] = slopes[id(result)] + gradient if id(result) in slopes else gradient
        for node in reversed(order):
            for parent, rule in node.parents:
                slope = rule(slopes[id(node)])
                slopes[id(parent)] = slopes[id(parent)] + slope if id(parent) in slopes else slope
        return [slopes.get(id(each), Traced(np.zeros_like(each.value))) for each in inputs]

    return pull


class Linear:
    """A layer as a pure function of its state, which is never written to."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True, dtype: Any = None) -> None:
        self.state: Mapping[str, Traced] = {}

    def load_state_dict(self, state: Mapping[str, Traced]) -> None:
        self.state = state

    def __call__(self, input: Traced) -> Traced:
        product = input @ self.state["weight"].t()
        return product + self.state["bias"] if "bias" in self.state else product


class VjpBackend(TableBackend):
    table: ClassVar[Mapping[str, Callable[..., Any]]] = {
        "exp": lambda input: input.exp(),
        "mul": lambda input, other: input * other,
        "nn.Linear": Linear,
    }
    capabilities = Capabilities("vjp", "1", dtypes=("float64",), features=("autograd", "modules"))

    def to_native(self, value: TensorValue) -> Traced:
        return Traced(value.array().copy())

    def to_host(self, native: Traced) -> Array:
        return Array("float64", np.array(native.value))

    def is_native(self, value: Any) -> bool:
        return isinstance(value, Traced)

    def to_dtype(self, dtype: str) -> Any:
        return dtype

    def differentiate(self, trace: Differentiable) -> Differentiated:
        names = list(trace.inputs)

        def forward(*inputs: Traced) -> list[Traced]:
            results = trace(dict(zip(names, inputs, strict=True)))
            return [results[index] for index in trace.upstream]

        def backward(inputs: Sequence[Traced], upstream: Sequence[Traced]) -> list[Traced]:
            return vjp(forward, *inputs)(upstream)

        inputs = list(trace.inputs.values())
        gradients = dict(zip(names, backward(inputs, list(trace.upstream.values())), strict=True))
        results = trace(trace.inputs)
        if not trace.second:
            return Differentiated(results, gradients)

        def chosen(*given: Traced) -> list[Traced]:
            flowing = dict(zip(trace.flowing, given[len(names) :], strict=True))
            upstream = [flowing.get(str(index), each) for index, each in trace.upstream.items()]
            found = dict(zip(names, backward(given[: len(names)], upstream), strict=True))
            return [found[name] for name in trace.second]

        second = vjp(chosen, *inputs, *trace.flowing.values())(list(trace.second.values()))
        return Differentiated(results, gradients, dict(zip((*names, *trace.flowing), second, strict=True)))


BACKEND = VjpBackend()


def given(values: Any) -> TensorValue:
    return TensorValue.of(np.asarray(values, np.float64))


def lists(found: Mapping[str, Array | None]) -> dict[str, Any]:
    return {name: each and each.array.tolist() for name, each in found.items()}


def test_gradients_come_of_the_trace_as_a_function() -> None:
    operands = {"input": given([2.0, 3.0]), "other": given([5.0, 7.0])}
    case = called(
        "torch.mul", operands, ("input", "other"), wrt=("input", "other"), upstream={0: given([1.0, 10.0])}
    )  # fmt: skip

    outcome = BACKEND.perform(case)

    assert outcome.results[0].array.tolist() == [10, 21]
    assert lists(outcome.gradients) == {"input": [5, 70], "other": [2, 30]}


def test_second_derivatives_come_of_the_gradients_as_a_function() -> None:
    case = called(
        "torch.exp", {"input": given([0.0, 1.0])}, ("input",), wrt=("input",), upstream={0: given([1.0, 2.0])},
        second={"input": given([1.0, 1.0])},
    )  # fmt: skip

    assert lists(BACKEND.perform(case).second) == {"input": [1.0, 2 * np.e]}


def test_a_parameter_is_an_input_like_any_other() -> None:
    layer = made("torch.nn.Linear", {"in_features": 2, "out_features": 1}, {"weight": given([[2.0, 3.0]])})
    call = method_call({"input": given([[5.0, 7.0]])}, ("input",))
    case = Case("torch.nn.Linear", (*layer, call), wrt=("weight", "input"), upstream={0: given([[1.0]])})

    assert lists(BACKEND.perform(case).gradients) == {"weight": [[5, 7]], "input": [[2, 3]]}


def test_the_gradient_facet_judges_it_by_differences() -> None:
    spec = load_corpus()["torch.exp"]
    found = [trial.judge(Bench(BACKEND, None)) for trial in FACET.trials(spec, SamplingRequest("float64", "quick", 0))]

    assert {each.result for each in found} <= {"pass", "self", "unsupported"}
    assert sum(each.result == "pass" for each in found) > 10


def test_second_derivatives_are_those_of_pytorch() -> None:
    pytest.importorskip("torch")
    from assay.backends.discover import open_backend

    for op, arguments in {
        "torch.mul": {"input": given([2.0, 3.0]), "other": given([5.0, 7.0])},
        "torch.exp": {"input": given([0.5, -1.0])},
    }.items():
        leaves = {name: TensorValue.of(each.array(), requires_grad=True) for name, each in arguments.items()}
        wrt = tuple(leaves)
        case = called(
            op, leaves, wrt, wrt=wrt, upstream={0: given([1.0, 10.0])}, second={"input": given([3.0, 1.0])}
        )  # fmt: skip
        ours, theirs = BACKEND.perform(case), open_backend("torch").perform(case)
        found = [{k: each.second[k].array for k in wrt if each.second[k] is not None} for each in (ours, theirs)]  # type: ignore[union-attr]

        for name, second in found[1].items():
            assert np.allclose(found[0][name], second)
        assert found[1]
