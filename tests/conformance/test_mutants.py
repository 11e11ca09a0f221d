"""Mutants are made from the spec alone, and are wrong in one way only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assay.backends.base import Backend
from assay.backends.discover import open_backend
from assay.cases.case import Case, TensorValue, called, made, method_call
from assay.cases.outcome import Outcome
from assay.cases.plan import Plan
from assay.cases.runs import run
from assay.facets.base import Judgement, Trial
from assay.judge.bench import Bench
from assay.mutants.families import FAMILIES, mutants_of
from assay.mutants.families.precision import tf32
from assay.mutants.families.scenarios import changed_programs
from assay.mutants.mutant import Mutant, Scene
from assay_spec import load_corpus
from assay_spec.plans import Made
from assay_spec.scope import Scope
from assay_spec.steps import Look, Ref, Step


@pytest.fixture(scope="module")
def good() -> Backend:
    return open_backend("reference")


def tensor(values: Any, dtype: str = "float32") -> TensorValue:
    return TensorValue.of(np.asarray(values, dtype=dtype), dtype)


def mutant(op: str, name: str) -> Mutant:
    return next(each for each in mutants_of(load_corpus()[op]) if each.name == name)


def unused(bench: Bench) -> Judgement:
    """Judge nothing."""
    raise AssertionError("a mutant judges nothing")


def scene(good: Backend, op: str, case: Case) -> Scene:
    overload = load_corpus()[op].overloads[0]
    return Scene(load_corpus()[op], "values", Trial(case, unused, Plan(overload, {}, Scope({}))), Bench(good, good))


def answers(good: Backend, name: str, op: str, arguments: dict[str, Any], **more: Any) -> tuple[Outcome, Outcome]:
    """Return the good answer to a call, and the answer of a backend with one mutant."""
    case = called(op, arguments, tuple(arguments)[:2], **more)
    right = good.perform(case)
    return right, mutant(op, name).answer(case, right, scene(good, op, case))


def numbers(outcome: Outcome, index: int = 0) -> Any:
    assert outcome.raised is None, outcome.raised
    return outcome.results[index].array.tolist()


def test_every_family_makes_mutants_of_some_op_and_names_each_once() -> None:
    corpus = load_corpus()

    assert all(any(True for op in corpus for _ in family.mutants(op)) for family in FAMILIES)
    for op in corpus:
        names = [each.name for each in mutants_of(op)]
        assert len(names) == len(set(names)), op.name


MATRIX = [[1.0, 5.0], [4.0, 2.0]]
NAN, INF = float("nan"), float("inf")
WRONG: list[tuple[str, str, dict[str, Any], Any]] = [
    ("an argument ignored: p", "torch.norm", {"input": tensor([3.0, -4.0]), "p": 1}, 5.0),
    ("an argument ignored: keepdim", "torch.sum", {"input": tensor(MATRIX), "dim": 0, "keepdim": True}, [5.0, 7.0]),
    ("an integer off by one: k", "torch.kthvalue", {"input": tensor([3.0, 1.0, 2.0]), "k": 1}, 2.0),
    ("a negative dim taken wrongly: dim", "torch.sum", {"input": tensor(MATRIX), "dim": -1}, [5.0, 7.0]),
    ("broadcast from the left", "torch.add", {"input": tensor(MATRIX), "other": tensor([10.0, 20.0])},
     [[11.0, 15.0], [24.0, 22.0]]),
    ("a 0-d tensor taken for a 1-d one", "torch.exp", {"input": tensor(0.0)}, [1.0]),
    ("nothing reduced to another number", "torch.sum", {"input": tensor([])}, 1.0),
    ("integers wrapped around", "torch.sum", {"input": tensor([200, 100], "uint8")}, 44),
    ("rounded through float16", "torch.exp", {"input": tensor(1.0)}, 2.71875),
    ("rounded through bfloat16", "torch.exp", {"input": tensor(1.0)}, 2.71875),
    ("wrong in the last element", "torch.abs", {"input": tensor([1.0, 2.0])}, [1.0, 4.0]),
    ("NaN turned to zero", "torch.abs", {"input": tensor([NAN, 1.0])}, [0.0, 1.0]),
    ("NaN taken for the smallest", "torch.max", {"input": tensor([NAN, 1.0])}, 1.0),
    ("infinity clipped", "torch.abs", {"input": tensor([INF])}, [float(np.finfo(np.float32).max)]),
    ("subnormals flushed", "torch.abs", {"input": tensor([1e-40])}, [0.0]),
    ("halves rounded up", "torch.round", {"input": tensor([2.5, -2.5])}, [3.0, -2.0]),
    ("truncated for floored", "torch.div",
     {"input": tensor([-7.0]), "other": tensor([2.0]), "rounding_mode": "floor"}, [-3.0]),
    ("the other operand's sign", "torch.remainder", {"input": tensor([-7.0]), "other": tensor([2.0])}, [-1.0]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "op", "arguments", "wrong"), WRONG)
def test_a_wrong_answer(good: Backend, name: str, op: str, arguments: dict[str, Any], wrong: Any) -> None:
    right, mutated = answers(good, name, op, arguments)

    assert numbers(mutated) == wrong
    assert numbers(right) != wrong


UNTOUCHED: list[tuple[str, str, dict[str, Any]]] = [
    ("an argument ignored: p", "torch.norm", {"input": tensor(MATRIX)}),
    ("a negative dim taken wrongly: dim", "torch.sum", {"input": tensor(MATRIX), "dim": 1}),
    ("broadcasting refused", "torch.add", {"input": tensor([1.0]), "other": tensor([2.0])}),
    ("an empty tensor refused", "torch.exp", {"input": tensor([1.0])}),
    ("strides ignored: input", "torch.exp", {"input": tensor(MATRIX)}),
    ("rounded through float16", "torch.abs", {"input": tensor([1, 2], "int64")}),
    ("float64 for float32", "torch.abs", {"input": tensor([1.0], "float64")}),
    ("wrong past the 32nd element", "torch.abs", {"input": tensor(np.ones(32))}),
    ("an out-of-range dim accepted: dim", "torch.sum", {"input": tensor(MATRIX), "dim": 1}),
]


@pytest.mark.parametrize(("name", "op", "arguments"), UNTOUCHED)
def test_where_a_mutant_makes_no_difference_the_answer_is_the_right_one(
    good: Backend, name: str, op: str, arguments: dict[str, Any]
) -> None:
    right, mutated = answers(good, name, op, arguments)

    assert right.raised is None
    assert mutated == right


def test_the_32nd_element_is_the_last_that_is_right(good: Backend) -> None:
    _, mutated = answers(good, "wrong past the 32nd element", "torch.abs", {"input": tensor(np.ones(34))})

    assert np.flatnonzero(np.array(numbers(mutated)) != 1).tolist() == [32, 33]


def test_strides_and_offsets_are_ignored_one_at_a_time(good: Backend) -> None:
    memory = np.arange(8, dtype=np.float32)
    stepped = TensorValue("float32", (3,), memory, (2,), 1)

    _, strides = answers(good, "strides ignored: input", "torch.abs", {"input": stepped})
    right, offset = answers(good, "an offset ignored: input", "torch.abs", {"input": stepped})

    assert (numbers(right), numbers(strides), numbers(offset)) == ([1.0, 3.0, 5.0], [1.0, 2.0, 3.0], [0.0, 2.0, 4.0])


def test_ties_are_taken_from_the_other_end(good: Backend) -> None:
    case = called("torch.sort", {"input": tensor([2.0, 1.0, 1.0]), "dim": 0, "stable": True}, ("input",))
    right, context = good.perform(case), scene(good, "torch.sort", case)
    plan = replace(context.trial.plan, scope=Scope({}, {"dim": 0}))
    mutated = mutant("torch.sort", "ties taken from the other end").answer(
        case, right, replace(context, trial=Trial(case, unused, plan))
    )

    assert (numbers(right, 1), numbers(mutated, 1)) == ([1, 2, 0], [2, 1, 0])


def test_an_out_of_range_dim_is_counted_round(good: Backend) -> None:
    right, mutated = answers(
        good, "an out-of-range dim accepted: dim", "torch.sum", {"input": tensor(MATRIX), "dim": 2}
    )

    assert right.raised is not None
    assert numbers(mutated) == [5.0, 7.0]


@pytest.mark.parametrize("op", ["torch.arange", "torch.sin"])
def test_whatever_takes_out_may_fill_it_wrongly(op: str) -> None:
    kinds = {each.name for each in mutants_of(load_corpus()[op])}

    assert {"out= not filled", "out= not given back", "out= of any dtype taken"} <= kinds


def test_memory_is_shared_or_copied_or_changed_where_it_should_not(good: Backend) -> None:
    looking = {"observe": frozenset({"sharing", "mutation"})}
    view, copied = answers(good, "a copy for a view", "torch.t", {"input": tensor(MATRIX)}, **looking)
    copy, viewed = answers(good, "a view for a copy: input", "torch.exp", {"input": tensor(MATRIX)}, **looking)
    _, changed = answers(good, "an input changed: input", "torch.exp", {"input": tensor(MATRIX)}, **looking)

    assert (view.shares, copied.shares) == ({"input"}, frozenset())
    assert (copy.shares, viewed.shares) == (frozenset(), {"input"})
    assert changed.changed == {"input"}


def gradients(good: Backend, name: str, op: str, arguments: dict[str, Any], wrt: str, shape: Any) -> tuple[Any, Any]:
    case = called(
        op, {key: replace(each, requires_grad=key == wrt) for key, each in arguments.items()}, tuple(arguments),
        wrt=(wrt,), upstream={0: tensor(np.ones(shape))},
    )  # fmt: skip
    right = good.perform(case)
    mutated = mutant(op, name).answer(case, right, scene(good, op, case))
    return tuple(  # type: ignore[return-value]
        each.gradients[wrt] and each.gradients[wrt].array.tolist() for each in (right, mutated)
    )


@pytest.mark.parametrize(
    ("name", "op", "arguments", "wrt", "pair"),
    [
        ("a gradient dropped: input", "torch.exp", {"input": tensor([0.0])}, "input", ([1.0], None)),
        ("a gradient negated: input", "torch.exp", {"input": tensor([0.0])}, "input", ([1.0], [-1.0])),
        ("a gradient doubled: input", "torch.exp", {"input": tensor([0.0])}, "input", ([1.0], [2.0])),
        ("a gradient wrong at zeros: input", "torch.abs", {"input": tensor([0.0, 3.0])}, "input",
         ([0.0, 1.0], [1.0, 1.0])),
        ("a gradient wrong at ties: input", "torch.abs", {"input": tensor([3.0, 3.0, 4.0])}, "input",
         ([1.0, 1.0, 1.0], [2.0, 2.0, 1.0])),
        ("a gradient not summed over what was broadcast: other", "torch.add",
         {"input": tensor([1.0, 2.0, 3.0]), "other": tensor([1.0])}, "other", ([3.0], [1.0])),
    ],
)  # fmt: skip
def test_a_wrong_gradient(
    good: Backend, name: str, op: str, arguments: dict[str, Any], wrt: str, pair: tuple[Any, Any]
) -> None:
    shape = np.broadcast_shapes(*(each.shape for each in arguments.values()))

    assert gradients(good, name, op, arguments, wrt, shape) == pair


def test_gradients_add_up_from_call_to_call(good: Backend) -> None:
    case = called(
        "torch.exp", {"input": replace(tensor([0.0]), requires_grad=True)}, ("input",), wrt=("input",),
        upstream={0: tensor([1.0])},
    )  # fmt: skip
    right, context = good.perform(case), scene(good, "torch.exp", case)
    piled = mutant("torch.exp", "gradients added up from call to call")

    first, second = (piled.answer(case, right, context).gradients["input"] for _ in range(2))

    assert first is not None and second is not None
    assert (first.array.tolist(), second.array.tolist()) == ([1.0], [2.0])


def test_an_error_is_lost_or_late_or_another(good: Backend) -> None:
    op = load_corpus()["torch.cat"]
    misuse = next(each for overload in op.overloads for each in overload.errors if each.call)
    because = misuse.because
    arguments = {"tensors": (tensor([1.0]), tensor([[1.0]]))}
    case = called("torch.cat", arguments, ("tensors",))
    right = good.perform(case)
    context = replace(scene(good, "torch.cat", case), trial=Trial(case, unused, about=misuse))
    kinds = ("an error not raised", "another error raised")
    lost, other = (mutant("torch.cat", f"{kind}: {misuse.raises} because {because}") for kind in kinds)

    assert right.raised is not None
    assert lost.answer(case, right, context).raised is None
    assert other.answer(case, right, context).raised is not None
    assert other.answer(case, right, context).raised != right.raised
    other_error = replace(context, trial=Trial(case, unused, about=replace(misuse, because="of something else")))
    assert lost.answer(case, right, other_error) is right


def test_random_numbers_repeat_or_hang_together(good: Backend) -> None:
    case = called("torch.rand", {"size": (3,)}, ("size",), seed=5, repeat=4)
    right, context = good.perform(case), scene(good, "torch.rand", case)

    twice = mutant("torch.rand", "each number drawn twice").answer(case, right, context)
    deaf = mutant("torch.rand", "the seed ignored")
    first, second = (deaf.answer(case, right, context) for _ in range(2))

    assert numbers(twice, 0) == numbers(twice, 1) != numbers(right, 1)
    assert numbers(first) != numbers(second)


def test_optimizers_forget_and_overlook(good: Backend) -> None:
    start, step = tensor([1.0]), tensor([1.0])
    groups = ({"params": (start,)}, {"params": (start,), "lr": 0.5})
    op = load_corpus()["torch.optim.SGD"]
    options = {"params": groups, "lr": 1.0, "momentum": 0.5}
    case = run(op, op.overloads[0], options, fed=((step, step),) * 3, reloads=(0,))
    right, context = good.perform(case), scene(good, "torch.optim.SGD", case)

    def last(name: str) -> list[float]:
        outcome = mutant("torch.optim.SGD", name).answer(case, right, context)
        return [float(each.array[0]) for each in outcome.results[-2:]]

    assert [float(each.array[0]) for each in right.results[-2:]] == [-3.25, -1.125]
    assert last("an argument ignored: momentum") == [-2.0, -0.5]
    assert last("a group's own options ignored") == [-3.25, -3.25]
    assert last("a group ignored") == [-3.25, 1.0]
    assert last("state not restored") == [-2.5, -0.75]


def test_schedules_restart_and_count_from_the_wrong_end(good: Backend) -> None:
    op = load_corpus()["torch.optim.lr_scheduler.StepLR"]
    optimizer = Made("torch.optim.SGD", {"params": ({"params": (tensor([0.0]),)},), "lr": 1.0})
    options = {"optimizer": optimizer, "step_size": 2, "gamma": 0.5}
    case = run(op, op.overloads[0], options, calls=4, reloads=(0,))
    right, context = good.perform(case), scene(good, "torch.optim.lr_scheduler.StepLR", case)

    def rates(name: str) -> list[float]:
        outcome = mutant("torch.optim.lr_scheduler.StepLR", name).answer(case, right, context)
        return [float(each) for each in outcome.results]

    assert list(map(float, right.results)) == [1.0, 1.0, 0.5, 0.5, 0.25]
    assert rates("steps counted from the wrong end") == [1.0, 0.5, 0.5, 0.25, 0.25]
    assert rates("state not restored") == [1.0, 1.0, 1.0, 0.5, 0.5]


def test_a_program_changes_in_one_step() -> None:
    source = "with torch.no_grad():\n    y = f(x, retain=True)\nx.backward()\nz = 1"

    assert dict(changed_programs(source)) == {
        "without line 1, `with torch.no_grad():`": "y = f(x, retain=True)\nx.backward()\nz = 1",
        "without line 3, `x.backward()`": "with torch.no_grad():\n    y = f(x, retain=True)\nz = 1",
        "with retain=False on line 2": "with torch.no_grad():\n    y = f(x, retain=False)\nx.backward()\nz = 1",
    }


def test_tf32_keeps_ten_bits_of_fraction() -> None:
    values = np.array([1 + 2**-10, 1 + 2**-11 + 2**-20, 1 + 2**-12, np.inf, np.nan], np.float32)

    assert tf32(values)[:4].tolist() == [1 + 2**-10, 1 + 2**-10, 1.0, np.inf]
    assert np.isnan(tf32(values)[4])


def test_a_module_misses_a_parameter_or_initialises_it_wrongly(good: Backend) -> None:
    linear = made("torch.nn.Linear", {"in_features": 1, "out_features": 1, "bias": False}, {})
    state = method_call({}, (), "state_dict", name="state")
    named = method_call({}, (), "named_parameters", name="named")
    listed = Step("", {"0": Ref("named")}, ("0",), "iterate", "parameters")
    looks = (Look(Ref("state"), "state"), Look(Ref("parameters"), "parameters"))
    case = Case("torch.nn.Linear", (*linear, state, named, listed), looks, seed=0)
    right, context = good.perform(case), scene(good, "torch.nn.Linear", case)

    def seen(name: str) -> Any:
        return mutant("torch.nn.Linear", f"{name}: weight").answer(case, right, context).results

    assert seen("missing from the parameters")[1] == ()
    assert seen("missing from the state")[0] == {}
    assert seen("held in float64")[0]["weight"].dtype == "float64"
    assert seen("started wrongly")[0]["weight"].array / right.results[0]["weight"].array == pytest.approx(1.2)


def gradient(outcome: Outcome, name: str) -> Any:
    found = outcome.gradients[name]
    assert found is not None
    return found.array.tolist()


def spoiled(good: Backend, op: str, name: str, of: str, **arguments: Any) -> tuple[Outcome, Outcome]:
    """Return the good answer where a tensor changes before the backward pass, and that of a mutant."""
    given = {each: replace(tensor(value), requires_grad=True) for each, value in arguments.items()}
    return answers(good, name, op, given, wrt=tuple(given), upstream={0: tensor([1.0, 1.0])}, spoiled=of)


def test_what_is_not_checked_flows_from_what_lies_there_then(good: Backend) -> None:
    name = "a saved tensor not checked"
    right, wrong = spoiled(good, "torch.mul", f"{name}: input", "input", input=[3.0, 4.0], other=[1.0, 1.0])
    _, after = spoiled(good, "torch.exp", f"{name}: the results", "0", input=[3.0, 4.0])

    assert right.during == "backward" and right.raised is not None
    assert gradient(wrong, "other") == [4.0, 5.0]
    assert gradient(after, "input") == pytest.approx(list(np.exp([4.0, 6.0])), rel=1e-6)


def test_a_gradient_that_does_not_depend_on_what_changes_is_right_unchecked(good: Backend) -> None:
    right, wrong = spoiled(good, "torch.abs", "a saved tensor not checked: input", "input", input=[3.0, 4.0])

    assert right.raised is not None
    assert wrong is right
