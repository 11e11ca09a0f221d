"""One interpreter runs the steps of any trace: closures, objects as arguments, iteration, looks between steps."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from assay.backends.base import Capabilities
from assay.backends.discover import open_backend
from assay.backends.table import TableBackend
from assay.cases.case import Case, TensorValue, called, method_call
from assay.cases.outcome import Array, Missing
from assay_spec.domains import Dtype
from assay_spec.plans import Slice
from assay_spec.scenarios import trace
from assay_spec.steps import Function, Look, Named, Ref, Step, positions

REFERENCE = open_backend("reference")


def tensor(values: Any) -> TensorValue:
    return TensorValue.of(np.asarray(values, np.float32))


def seen(run: str, *expressions: str, **more: Any) -> list[Any]:
    """Return what a scenario observes, as lists."""
    found = trace(run, expressions)
    assert found.stayed_a_program is None
    outcome = REFERENCE.perform(Case("torch.f", found.steps, found.looks, scenario="a scenario", **more))
    assert outcome.raised is None, outcome.raised
    return [each.array.tolist() if hasattr(each, "array") else each for each in outcome.results]


def test_a_closure_sees_what_the_steps_around_it_gave() -> None:
    run = """
p = torch.tensor([4.0], requires_grad=True)
optimizer = torch.optim.SGD([p], lr=0.25)
def closure():
    optimizer.zero_grad()
    loss = (p * p).sum()
    loss.backward()
    return loss
first = optimizer.step(closure).item()
second = optimizer.step(closure).item()
"""

    assert seen(run, "first", "second", "p.detach()") == [16.0, 4.0, [1.0]]


def test_a_closure_is_plain_data() -> None:
    square = Function(("x",), (Step("mul", positions((Ref("x"), Ref("x"))), ("0", "1"), "operator", "y"),), Ref("y"))
    steps = (
        Step("map", positions((square, [1.0, 2.0, 3.0])), ("0", "1"), "builtin", "squares"),
        Step("", positions((Ref("squares"),)), ("0",), "iterate", "all"),
    )

    assert REFERENCE.perform(Case("torch.f", steps, (Look(Ref("all"), "all"),))).results == ((1.0, 4.0, 9.0),)


def test_an_object_made_by_an_earlier_step_is_an_argument() -> None:
    run = """
numbers = torch.arange(4)
dataset = torch.utils.data.TensorDataset(numbers)
sampler = torch.utils.data.SequentialSampler(dataset)
loader = torch.utils.data.DataLoader(dataset, batch_size=2, sampler=sampler)
batches = [batch[0].tolist() for batch in loader]
"""

    assert seen(run, "batches") == [[[0, 1], [2, 3]]]


def test_what_is_none_in_an_answer_is_no_result() -> None:
    packed = called("torch.nn.utils.rnn.PackedSequence", {"data": tensor([1, 2]), "batch_sizes": tensor([2])})

    assert [each.array.tolist() for each in REFERENCE.perform(packed).results] == [[1.0, 2.0], [2.0]]


def test_a_list_of_objects_is_an_argument() -> None:
    run = "net = torch.nn.Sequential(*[torch.nn.ReLU(), torch.nn.Flatten(0)])"

    assert seen(run, "net(torch.tensor([[-1.0], [2.0]]))") == [[0.0, 2.0]]


def test_a_result_is_iterated() -> None:
    assert seen("low, high = torch.tensor([1.0, 2.0])\nrows = list(torch.ones(2, 1))", "high", "len(rows)") == [2.0, 2]


def test_what_is_looked_at_is_seen_before_later_looks_change_it() -> None:
    assert seen("x = torch.zeros(1)", "x", "x.add_(1)", "x") == [[0.0], [1.0], [1.0]]


def test_attributes_and_elements_are_set() -> None:
    run = "x = torch.zeros(2, requires_grad=True)\nx.grad = torch.ones(2)\ny = torch.zeros(2)\ny[0] += 3\ny[1] = 4"

    assert seen(run, "x.grad", "y") == [[1.0, 1.0], [3.0, 4.0]]


def test_a_name_counts_as_it_is_when_it_is_used() -> None:
    assert seen("x = torch.ones(1)\ny = x\nx = x + 1\nf = lambda: x\nx = x + 1", "y", "f()") == [[1.0], [3.0]]


def test_what_is_missing_is_unsupported_with_the_librarys_own_message() -> None:
    for run in ("torch.no_such_thing(1)", "torch.ones(1).no_such_thing()", "torch.ones(1).no_such_thing"):
        found = trace(run, ("1",))
        outcome = REFERENCE.perform(Case("torch.f", found.steps, found.looks, scenario="a scenario"))

        assert outcome.unsupported is not None and outcome.unsupported.kind == "op"
        assert outcome.raised is not None and outcome.raised.classes[0] == "AttributeError"


class Lazy(TableBackend):
    """A library that computes, and refuses, when an array is read; its arrays take any attribute."""

    capabilities = Capabilities("lazy", "1", dtypes=("float32",))

    class Later:
        def __init__(self, compute: Any) -> None:
            self.compute = compute

    @staticmethod
    def refuse() -> Any:
        raise RuntimeError("the sizes do not fit")

    @staticmethod
    def add_(input: Any, other: Any) -> Any:
        total = input.compute() + other.compute()
        input.compute = lambda: total
        return input

    table: ClassVar[Any] = {"add": lambda input, other: Lazy.Later(Lazy.refuse), "add_": add_}

    def to_native(self, value: TensorValue) -> Any:
        return Lazy.Later(value.array)

    def is_native(self, value: Any) -> bool:
        return isinstance(value, Lazy.Later)

    def to_host(self, native: Any) -> Array:
        return Array("float32", native.compute())


def test_a_lazy_library_raises_in_a_scenario_that_must_raise() -> None:
    given = Step("", {"0": tensor([1])}, form="value", name="x")
    added = Step("torch.add", positions((Ref("x"), Ref("x"))), ("0", "1"), name="y")

    outcome = Lazy().perform(Case("torch.add", (given, added), scenario="sizes"))

    assert outcome.raised is not None and outcome.raised.message == "the sizes do not fit"


def test_an_attribute_that_tensors_do_not_have_is_not_set() -> None:
    given = Step("", {"0": tensor([1])}, form="value", name="x")
    turned = Step("requires_grad", positions((Ref("x"), True)), ("0", "1"), form="set attribute", name="on")

    outcome = Lazy().perform(Case("torch.f", (given, turned), (Look(Ref("x"), "on"),)))

    assert outcome.unsupported == Missing("op", "'Later' object has no attribute 'requires_grad'")


def test_a_table_may_have_in_place_forms_of_its_own() -> None:
    call = called("torch.add", {"input": tensor([1]), "other": tensor([2])}, ("input", "other"), form="in-place")

    outcome = Lazy().perform(call)

    assert outcome.results[0].array.tolist() == [3] and outcome.returned_self


def test_gradients_may_be_taken_of_a_run_of_steps() -> None:
    layer = Step("torch.nn.Linear", {"in_features": 1, "out_features": 1, "bias": False}, name="made")
    loaded = method_call({"state": {"weight": tensor([[3.0]])}}, ("state",), "load_state_dict", name="loaded")
    case = Case(
        "torch.nn.Linear", (layer, loaded, method_call({"input": tensor([[2.0]])}, ("input",))),
        wrt=("weight",), upstream={0: tensor([[5.0]])},
    )  # fmt: skip

    gradient = REFERENCE.perform(case).gradients["weight"]

    assert gradient is not None and gradient.array.tolist() == [[10.0]]


def test_a_gradient_that_breaks_did_so_on_the_way_back() -> None:
    case = called("torch.exp", {"input": tensor([1.0])}, ("input",), wrt=("input",), upstream={0: tensor([1.0])})

    outcome = REFERENCE.perform(case)  # its input does not require a gradient

    assert (outcome.raised is not None, outcome.during) == (True, "backward")


@pytest.mark.parametrize(
    ("value", "native"),
    [(Slice(0, 1), slice(0, 1, None)), (Named("int"), int), (Ellipsis, Ellipsis), ("text", "text")],
)
def test_plain_values_are_python_s(value: Any, native: Any) -> None:
    assert REFERENCE.native(value) == native  # type: ignore[attr-defined]


def test_a_dtype_is_the_librarys_own() -> None:
    assert REFERENCE.native(Dtype("int64")) is REFERENCE.torch.int64  # type: ignore[attr-defined]
