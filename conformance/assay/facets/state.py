"""state: an object's parameters and buffers, their initial values, their updates, and repeated calls step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np

from assay.cases import calls, written
from assay.cases.arrays import Host
from assay.cases.case import LOADED, Case, TensorValue, method_call, tensors_in
from assay.cases.fill import elements, materialise
from assay.cases.outcome import Array
from assay.cases.plan import Plan, held
from assay.cases.runs import RESTORED, START, run
from assay.facets.base import (
    SELF,
    Facet,
    Judgement,
    SamplingRequest,
    Trial,
    beyond,
    broken_oracle,
    describe,
    fail,
    gravest,
    plans,
    unanswered,
)
from assay.judge.bench import Bench, tensors_of
from assay.judge.budgets import Bounds
from assay.judge.comparison import measure
from assay.judge.statistics import out_of_range, unlikely
from assay_spec.domains import Focus
from assay_spec.model import Budget, Construct, Op, Overload, StateRule, Trajectory
from assay_spec.plans import ABSENT, Fill
from assay_spec.steps import Look, Ref, Step, positions

_SEEDS: Final = 60  # objects from which an initial distribution is judged
_OBJECTS: Final = 400  # searched for parameters that only some of them have
_CALLS: Final = 5  # of a run with gradients
_UNFED: Final = 12  # and of one without


def applies(op: Op) -> bool:
    return any(each.construct is not None for each in op.overloads)


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    for overload in op.overloads:
        for trajectory in overload.trajectories:
            yield _worked(op, overload, trajectory)
    if any(each.trail is not None for each in op.overloads):
        for plan in plans(op, request, "options", limit=24):
            for case in _runs(op, plan, request.seed):
                yield Trial(case, partial(_beside_the_oracle, case, _moved), plan)
            if plan.overload.trail in plan.constructed:
                case = _run(op, plan, request.seed)(kept=True)
                # What is known of a loss that is nearly minimised has lost its digits: only its kind is judged.
                kept = partial(_kept, values=plan.overload.objective is None)
                yield Trial(case, partial(_beside_the_oracle, case, kept, as_given=True), plan, needs_oracle=True)
        return
    for plan, starts in _equipped(op, request):
        case = _untouched(op, plan, seed=3)
        yield Trial(case, partial(_holds, case, plan), plan)
        if starts:
            case = _untouched(op, plan, seed=0)
            yield Trial(case, partial(_started, case, plan), plan)
    for plan in plans(op, request, "options", limit=8):
        case = _left_behind(op, plan)
        yield Trial(case, partial(_beside_the_oracle, case, partial(_updated, case, plan)), plan)
        if held(_maker(plan), plan.scope) and plan.overload.random is None:
            straight, reloaded = _continued(op, plan), _continued(op, plan, reloaded=True)
            yield Trial(reloaded, partial(_goes_on, reloaded, straight), plan, beside=straight)


def _maker(plan: Plan) -> Construct:
    assert plan.overload.construct is not None
    return plan.overload.construct


def _equipped(op: Op, request: SamplingRequest) -> Iterator[tuple[Plan, bool]]:
    """Yield a plan for each set of parameters and buffers, and whether one of them is in no set before it."""
    sets: set[frozenset[str]] = set()
    for plan in plans(op, request, "options", limit=_OBJECTS):
        names = frozenset(rule.name for rule in held(_maker(plan), plan.scope))
        if names not in sets:
            yield plan, not names <= frozenset().union(*sets)
            sets.add(names)


def _untouched(op: Op, plan: Plan, seed: int) -> Case:
    """Return the case that observes an object's initial state, and the names of its parameters."""
    parameters = method_call({}, (), "named_parameters", name="named")
    steps = (
        *calls.making(op, plan, loaded=False),
        method_call({}, (), "state_dict", name="state"),
        parameters,
        Step("", positions((Ref("named"),)), ("0",), "iterate", "parameters"),
    )
    return Case(op.name, steps, (Look(Ref("state"), "state"), Look(Ref("parameters"), "parameters")), seed=seed)


def _left_behind(op: Op, plan: Plan) -> Case:
    """Return the case that observes an object's state after a call."""
    case = calls.case(op, plan)
    after = method_call({}, (), "state_dict", name="after")
    return replace(case, steps=(*case.steps, after), looks=(Look(Ref("after"), "after"),))


def _continued(op: Op, plan: Plan, *, reloaded: bool = False) -> Case:
    """Return the case that calls a module twice, perhaps by way of a fresh one that loads the state of the first."""
    case = calls.case(op, plan)
    making, (call,) = [step for step in case.steps if step.name], [step for step in case.steps if not step.name]
    between = [
        method_call({}, (), "state_dict", name="saved"),
        *(step for step in making if step.name != LOADED),
        method_call({"state": Ref("saved")}, ("state",), "load_state_dict", name=RESTORED),
    ]
    steps = (
        *making,
        replace(call, name="first"),
        *(between if reloaded else ()),
        replace(call, name="second"),
        method_call({}, (), "state_dict", name="after"),
    )
    looks = (Look(Ref("after"), "after"), Look(Ref("second"), "after"))
    return Case(op.name, steps, looks)


def _goes_on(case: Case, straight: Case, bench: Bench) -> Judgement:
    """Judge a module that has loaded another's state: it continues as that one does."""
    outcome, plain = bench.ask(case), bench.ask(straight)
    early = unanswered(plain) or unanswered(outcome)
    if early is not None:
        return early
    (state, answer), (kept, due) = outcome.results, plain.results
    if set(state) != set(kept):
        return fail("A614", "another state after a reload", sorted(kept), sorted(state))
    pairs = {"the result": (answer, due)} | {name: (state[name], kept[name]) for name in kept}
    parts = [_alike(name, got, want) for name, each in pairs.items() for got, want in _paired(*each)]
    return gravest(parts) if parts else Judgement("pass", compared=False)


def _paired(got: Any, want: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the tensors of two answers side by side, those in tuples too."""
    if isinstance(want, (tuple, list)) and isinstance(got, (tuple, list)) and len(got) == len(want):
        for each, its in zip(got, want, strict=True):
            yield from _paired(each, its)
    else:
        yield got, want


def _alike(name: str, got: Any, want: Any) -> Judgement:
    """Compare a tensor with the one from before a reload: the same computation, so nearly the same numbers."""
    if not isinstance(got, Array) or not isinstance(want, Array) or (got.shape, got.dtype) != (want.shape, want.dtype):
        return fail("A614", f"{name} is another kind of thing after a reload", describe(want), describe(got))
    size = np.full(want.shape, _largest(want.array))
    bounds = Bounds(lambda: size, lambda: size)
    worst = measure(got.array, want.array, got.dtype, Budget("accumulation"), bounds)
    return Judgement("pass", compared=False) if worst is None else beyond("A614", worst, f"{name}, after a reload,")


def _worked(op: Op, overload: Overload, each: Trajectory) -> Trial:
    """Return the trial of a run whose results are written in the spec."""
    assert overload.construct is not None
    works_on = next(iter(overload.construct.arguments))
    if each.start is None:
        subject = materialise(next(works_on.domain({}).walk(Focus())))
    else:
        subject = ({"params": (written.tensor(each.start, "float32"),)},)
    fed = [(written.tensor(step, "float32"),) for step in each.gradients]
    case = run(op, overload, {works_on.name: subject, **each.call}, fed=fed, calls=len(each.gives) - 1)
    return Trial(case, partial(_as_written, case, each.gives))


def _runs(op: Op, plan: Plan, seed: int) -> Iterator[Case]:
    """Yield the runs of a plan: plain, with reloads before the first call and at every moment, and with a closure."""
    make = _run(op, plan, seed)
    calls = _CALLS if plan.overload.trail in plan.constructed else _UNFED
    yield make()
    yield make(reloads=(START,))
    yield make(reloads=range(START, calls - 1))
    if "closure" in plan.overload.signature and plan.overload.objective is None:
        yield make(closure=True)


def _run(op: Op, plan: Plan, seed: int) -> Callable[..., Case]:
    """Return what makes a plan's runs: parameters are fed with gradients, unless a closure computes them."""
    arguments = {name: materialise(value) for name, value in plan.constructed.items() if value is not ABSENT}
    if plan.overload.trail not in arguments:
        return partial(run, op, plan.overload, arguments, calls=_UNFED)
    if plan.overload.objective is not None:
        return partial(run, op, plan.overload, arguments, calls=_CALLS)
    parameters = list(tensors_in(arguments))
    fed = [
        # One parameter goes without a gradient for a step.
        [
            None if (count, index) == (1, 1) else _gradient(each, seed + 10 * (count + 1) + index)
            for index, each in enumerate(parameters)
        ]
        for count in range(_CALLS)
    ]
    return partial(run, op, plan.overload, arguments, fed=fed)


def _gradient(parameter: TensorValue, seed: int) -> TensorValue:
    return TensorValue.of(elements("float32", parameter.shape, Fill("plain", seed)), "float32")


def _holds(case: Case, plan: Plan, bench: Bench) -> Judgement:
    """Judge which parameters and buffers there are, and their shapes and dtypes."""
    outcome = bench.ask(case)
    early = unanswered(outcome)
    if early is not None:
        return early
    state, listed = outcome.results
    maker = _maker(plan)
    rules = held(maker, plan.scope)
    due = {rule.name for rule in rules}
    if set(state) != due:
        return fail("A611", f"holds {sorted(state)}, not {sorted(due)}", sorted(due), sorted(state))
    parameters = {rule.name for rule in held(maker, plan.scope, maker.parameters)}
    learned = {name for name, _ in listed}
    if parameters != learned:
        words = f"its parameters are {sorted(learned)}, not {sorted(parameters)}"
        return fail("A611", words, sorted(parameters), sorted(learned))
    for rule in rules:
        shape, dtype = tuple(rule.shape(plan.scope)), _dtype(rule, plan)
        got = state[rule.name]
        if (got.shape, got.dtype) != (shape, dtype):
            due_words, said = f"{dtype}{list(shape)}", f"{got.dtype}{list(got.shape)}"
            return fail("A612", f"{rule.name} is {said}, not {due_words}", due_words, said)
    return Judgement("pass")


def _dtype(rule: StateRule, plan: Plan) -> str:
    kind, *numbers = rule.init(plan.scope) if rule.init else ("", None)
    if kind == "constant" and isinstance(numbers[0], int):
        return "int64"
    chosen = plan.constructed.get("dtype", ABSENT)
    return "float32" if chosen is ABSENT or chosen is None else str(chosen)


def _started(case: Case, plan: Plan, bench: Bench) -> Judgement:
    """Judge the initial values of parameters, over many objects."""
    outcomes = [bench.ask(replace(case, seed=seed)) for seed in range(_SEEDS)]
    early = next((each for each in map(unanswered, outcomes) if each is not None), None)
    if early is not None:
        return early
    states = [outcome.results[0] for outcome in outcomes]
    judgements = []
    for rule in held(_maker(plan), plan.scope):
        if rule.init is not None and all(rule.name in each for each in states):
            samples = np.stack([each[rule.name].array for each in states])
            judgements.append(_distributed(rule, samples, rule.init(plan.scope)))
    return gravest(judgements) if judgements else Judgement("pass", compared=False)


def _distributed(rule: StateRule, samples: Host, distribution: tuple[Any, ...]) -> Judgement:
    finding = out_of_range(samples.astype(np.float64), distribution) or unlikely(samples, distribution)
    if finding is None:
        return Judgement("pass")
    return fail("A613", f"{rule.name} is not initialised {distribution[0]}: {finding}", distribution[0], finding)


def _beside_the_oracle(
    case: Case, judge: Callable[[Sequence[Any], Sequence[Any]], Judgement], bench: Bench, *, as_given: bool = False
) -> Judgement:
    """Judge what an answer shows by what the oracle's does, in float64 or in the dtypes that are given."""
    outcome = bench.ask(case)
    early = unanswered(outcome)
    if early is not None:
        return early
    expected = bench.expect_as_given(case) if as_given else bench.expect(case)
    if expected is None:
        return SELF
    broken = broken_oracle(expected)
    if broken is not None:
        return broken
    return judge(outcome.results, expected.results)


def _updated(case: Case, plan: Plan, results: Sequence[Any], expected: Sequence[Any]) -> Judgement:
    """Judge the buffers after a call."""
    maker = _maker(plan)
    names = [rule.name for rule in held(maker, plan.scope, maker.buffers)]
    largest = max((_largest(each.array()) for each in tensors_of(case)), default=0.0)
    got, want = results[0], expected[0]
    parts = [_near(name, got.get(name), want[name], largest) for name in names]
    return gravest(parts) if parts else Judgement("pass", compared=False)


def _largest(array: Host) -> float:
    return float(np.max(np.abs(array.astype(np.float64)), initial=0.0))


def _near(name: str, got: Array | None, want: Array, largest: float) -> Judgement:
    """Compare a buffer with the oracle's, within the error of an average over inputs of some magnitude."""
    if got is None or got.shape != want.shape:
        return fail("A611", f"{name} is missing or of another shape", list(want.shape), got and list(got.shape))
    sizes = np.maximum(np.abs(want.array), largest)
    worst = measure(got.array, want.array, got.dtype, Budget("accumulation", 2), Bounds(lambda: sizes, lambda: sizes))
    return Judgement("pass", compared=False) if worst is None else beyond("A615", worst, name)


def _as_written(case: Case, gives: Sequence[Any], bench: Bench) -> Judgement:
    """Judge a worked run."""
    outcome = bench.ask(case)
    early = unanswered(outcome)
    if early is not None:
        return early
    if len(gives) != len(outcome.results):
        return fail("A616", "wrong number of steps", len(gives), len(outcome.results))
    return _stepped([np.array(want, dtype=np.float64) for want in gives], outcome.results)


def _stepped(wants: Sequence[Host], results: Sequence[Any]) -> Judgement:
    """Judge a run step by step, with errors relative to its largest value."""
    largest = max((float(np.max(np.abs(want), initial=0.0)) for want in wants), default=0.0)
    return gravest(
        [_step(index, want, got, largest) for index, (want, got) in enumerate(zip(wants, results, strict=True))]
    )


def _step(index: int, want: Host, got: Any, largest: float) -> Judgement:
    answer = got.array if isinstance(got, Array) else np.array(got)
    if answer.shape != want.shape:
        return fail("A616", f"step {index} has shape {list(answer.shape)}", list(want.shape), list(answer.shape))
    scale = np.full(want.shape, max(largest, 1e-3))
    bounds = Bounds(lambda: 4 * scale, lambda: scale)
    worst = measure(answer.astype(np.float32), want, "float32", Budget("accumulation"), bounds)
    return Judgement("pass", compared=False) if worst is None else beyond("A616", worst, f"step {index}")


def _moved(results: Sequence[Any], expected: Sequence[Any]) -> Judgement:
    """Judge a drawn run, step by step."""
    if len(results) != len(expected):
        return fail("A616", "wrong number of steps", len(expected), len(results))
    return _stepped([each.array if isinstance(each, Array) else np.array(each) for each in expected], results)


def _kept(results: Sequence[Any], expected: Sequence[Any], *, values: bool) -> Judgement:
    """Judge the state after a drawn run, and the groups."""
    return gravest(list(_same("the state", results, expected, values)))


def _same(name: str, got: Any, want: Any, values: bool) -> Iterator[Judgement]:
    """Compare what is kept, part by part: the kinds of tensors and numbers, their values perhaps, all else exactly."""
    if isinstance(want, Array):
        if not isinstance(got, Array) or (got.shape, got.dtype) != (want.shape, want.dtype):
            yield fail("A612", f"{name} is another kind of thing", describe(want), describe(got))
        elif values:
            yield _near(name, got, want, _largest(want.array))
    elif isinstance(want, (tuple, list)):
        if not isinstance(got, (tuple, list)) or len(got) != len(want):
            yield fail("A611", f"{name} has other parts", describe(want), describe(got))
            return
        for index, (each, due) in enumerate(zip(got, want, strict=True)):
            keyed = isinstance(due, (tuple, list)) and due and isinstance(due[0], (str, int))
            yield from _same(f"{name}, {due[0] if keyed else index}", each, due, values)
    elif type(got) is not type(want) or (got != want and (values or not isinstance(want, float))):
        yield fail("A611", f"{name} differs", want, got)


FACET = Facet("state", applies, trials)
