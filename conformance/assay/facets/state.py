"""state: what modules hold and how it starts, and what optimizers and schedulers do step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from assay.cases import draw, written
from assay.cases.arrays import Host
from assay.cases.case import Array, Call, Optimization, Outcome, Schedule, TensorValue
from assay.cases.draw import Plan, held
from assay.cases.fill import elements
from assay.facets.base import (
    SELF,
    Facet,
    Judgement,
    SamplingRequest,
    Trial,
    beyond,
    broken_oracle,
    fail,
    gravest,
    plans,
    unanswered,
)
from assay.judge.bench import Bench, tensors_of
from assay.judge.budgets import Bounds, measure
from assay.judge.statistics import out_of_range, unlikely
from assay_spec.model import Budget, Op, StateRule
from assay_spec.plans import ABSENT, Fill

_SEEDS: Final = 60  # constructions from which an initial distribution is judged
_CONSTRUCTIONS: Final = 400  # to be looked through for parameters that only some have
_STEPS: Final = 5


def applies(op: Op) -> bool:
    return op.kind in ("module", "optimizer", "scheduler")


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    match op.kind:
        case "module":
            for plan, starts in _equipped(op, request):
                yield Trial(_constructed(op, plan, seed=3), plan)
                if starts:
                    yield Trial(_constructed(op, plan, seed=0), plan, {"seeds": _SEEDS})
            for plan in plans(op, request, "options", limit=8):
                yield Trial(draw.call(op, plan), plan, {"after": True})
        case "optimizer":
            yield from _trajectories(op)
            for plan in plans(op, request, "options", limit=24):
                yield from _optimizations(op, plan, request.seed)
        case "scheduler":
            yield from _trajectories(op)
            for plan in plans(op, request, "options", limit=24):
                yield Trial(Schedule(op.name, _options(plan), 0.5, 12, None), plan)
                yield Trial(Schedule(op.name, _options(plan), 0.5, 12, 4), plan)


def _equipped(op: Op, request: SamplingRequest) -> Iterator[tuple[Plan, bool]]:
    """Yield a plan for each set of parameters and buffers, and whether one of them is in no set before it."""
    sets: set[frozenset[str]] = set()
    for plan in plans(op, request, "options", limit=_CONSTRUCTIONS):
        assert plan.overload.constructor is not None
        names = frozenset(rule.name for rule in held(plan.overload.constructor, plan.scope))
        if names not in sets:
            yield plan, not names <= frozenset().union(*sets)
            sets.add(names)


def _constructed(op: Op, plan: Plan, seed: int) -> Call:
    """Make the case that constructs a module and leaves its state as it starts."""
    case = draw.call(op, plan, seed=seed, observe=frozenset({"state"}))
    assert case.module is not None
    return replace(case, module=replace(case.module, state={}))


def _options(plan: Plan) -> dict[str, Any]:
    return {name: value for name, value in plan.given.items() if value is not ABSENT}


def _trajectories(op: Op) -> Iterator[Trial]:
    """Ask the worked runs that the spec writes down."""
    for overload in op.overloads:
        for each in overload.trajectories:
            extra = {"gives": each.gives}
            if op.kind == "scheduler":
                yield Trial(Schedule(op.name, each.call, each.start, len(each.gives) - 1), None, extra)
                continue
            start = written.tensor(each.start, "float32")
            steps = tuple((written.tensor(step, "float32"),) for step in each.gradients)
            yield Trial(Optimization(op.name, each.call, (({}, (start,)),), steps), None, extra)


def _optimizations(op: Op, plan: Plan, seed: int) -> Iterator[Trial]:
    """Feed gradients to two groups of parameters, one of which goes without a gradient for a step."""
    shapes = ((2, 3), (4,), ())
    tensors = [_filled(shape, seed + at) for at, shape in enumerate(shapes)]
    groups: Any = (({}, (tensors[0], tensors[1])), ({"lr": 0.25}, (tensors[2],)))
    steps = tuple(
        tuple(
            None if (step, at) == (1, 1) else _filled(shape, seed + 10 * (step + 1) + at)
            for at, shape in enumerate(shapes)
        )
        for step in range(_STEPS)
    )
    base = Optimization(op.name, _options(plan), groups, steps)
    yield Trial(base, plan)
    yield Trial(replace(base, reload_after=1), plan)
    yield Trial(replace(base, closure=True), plan)


def _filled(shape: tuple[int, ...], seed: int) -> TensorValue:
    return TensorValue.of(elements("float32", shape, Fill("plain", seed)), "float32")


def judge(op: Op, trial: Trial, bench: Bench) -> Judgement:
    if "seeds" in trial.extra:
        return _initial(trial, bench)
    outcome = bench.ask(trial.case)
    early = unanswered(outcome)
    if early is not None:
        return early
    if "gives" in trial.extra:
        return _worked(trial, outcome)
    if op.kind == "module":
        return _after(trial, outcome, bench) if "after" in trial.extra else _held_state(trial, outcome)
    return _moved(trial, outcome, bench)


def _held_state(trial: Trial, outcome: Outcome) -> Judgement:
    """Judge which parameters and buffers there are, and their shapes and dtypes."""
    plan = trial.plan
    assert plan is not None and plan.overload.constructor is not None
    maker = plan.overload.constructor
    rules = held(maker, plan.scope)
    found = {name for name in outcome.state if not name.endswith(".after")}
    due = {rule.name for rule in rules}
    if found != due:
        return fail("A611", f"holds {sorted(found)}, not {sorted(due)}", sorted(due), sorted(found))
    parameters = {rule.name for rule in held(maker, plan.scope, maker.parameters)}
    learned = {name.removesuffix(".parameter") for name in outcome.values}
    if parameters != learned:
        return fail(
            "A611",
            f"its parameters are {sorted(learned)}, not {sorted(parameters)}",
            sorted(parameters),
            sorted(learned),
        )
    for rule in rules:
        shape, dtype = tuple(rule.shape(plan.scope)), _dtype(rule, plan)
        got = outcome.state[rule.name]
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


def _initial(trial: Trial, bench: Bench) -> Judgement:
    """Judge what parameters start as, over many constructions."""
    assert isinstance(trial.case, Call) and trial.plan is not None
    outcomes = [bench.ask(replace(trial.case, seed=seed)) for seed in range(trial.extra["seeds"])]
    early = next((each for each in map(unanswered, outcomes) if each is not None), None)
    if early is not None:
        return early
    maker = trial.plan.overload.constructor
    assert maker is not None
    judgements = []
    for rule in held(maker, trial.plan.scope):
        if rule.init is None or any(rule.name not in each.state for each in outcomes):
            continue
        samples = np.stack([each.state[rule.name].array for each in outcomes])
        judgements.append(_started(rule, samples, rule.init(trial.plan.scope)))
    return gravest(judgements) if judgements else Judgement("pass", compared=False)


def _started(rule: StateRule, samples: Host, distribution: tuple[Any, ...]) -> Judgement:
    odd = out_of_range(samples.astype(np.float64), distribution) or unlikely(samples, distribution, len(samples))
    if odd is None:
        return Judgement("pass")
    return fail("A613", f"{rule.name} does not start {distribution[0]}: {odd}", distribution[0], odd)


def _after(trial: Trial, outcome: Outcome, bench: Bench) -> Judgement:
    """Judge the buffers that a forward call leaves behind."""
    expected = bench.expect(trial.case)
    if expected is None:
        return SELF
    broken = broken_oracle(expected)
    if broken is not None:
        return broken
    assert isinstance(trial.case, Call)
    names = [name for name in expected.state if name.endswith(".after")]
    largest = max((_largest(each.array()) for each in tensors_of(trial.case)), default=0.0)
    parts = [_near(name, outcome.state.get(name), expected.state[name], largest) for name in names]
    return gravest(parts) if parts else Judgement("pass", compared=False)


def _largest(array: Host) -> float:
    return float(np.max(np.abs(array.astype(np.float64)), initial=0.0))


def _near(name: str, got: Array | None, want: Array, largest: float) -> Judgement:
    """Hold a buffer against the oracle's, up to what averages over inputs of a size may lose."""
    if got is None or got.shape != want.shape:
        return fail("A611", f"{name} is missing or of another shape", list(want.shape), got and list(got.shape))
    sizes = np.maximum(np.abs(want.array), largest)
    worst = measure(got.array, want.array, got.dtype, Budget("accumulation", 2), Bounds(lambda: sizes, lambda: sizes))
    return Judgement("pass", compared=False) if worst is None else beyond("A615", worst, name)


def _worked(trial: Trial, outcome: Outcome) -> Judgement:
    gives = trial.extra["gives"]
    if len(gives) != len(outcome.results):
        return fail("A616", "wrong number of steps", len(gives), len(outcome.results))
    return _stepped([np.array(want, dtype=np.float64) for want in gives], outcome.results)


def _stepped(wants: Sequence[Host], results: Sequence[Any]) -> Judgement:
    """Judge a run step by step, against the largest value on its way."""
    largest = max((float(np.max(np.abs(want), initial=0.0)) for want in wants), default=0.0)
    return gravest([_step(at, want, got, largest) for at, (want, got) in enumerate(zip(wants, results, strict=True))])


def _step(at: int, want: Host, got: Any, largest: float) -> Judgement:
    answer = got.array if isinstance(got, Array) else np.array(got)
    if answer.shape != want.shape:
        return fail("A616", f"step {at} has shape {list(answer.shape)}", list(want.shape), list(answer.shape))
    scale = np.full(want.shape, max(largest, 1e-3))
    bounds = Bounds(lambda: 4 * scale, lambda: scale)
    worst = measure(answer.astype(np.float32), want, "float32", Budget("accumulation"), bounds)
    return Judgement("pass", compared=False) if worst is None else beyond("A616", worst, f"step {at}")


def _moved(trial: Trial, outcome: Outcome, bench: Bench) -> Judgement:
    """Judge a drawn trajectory against the oracle's."""
    expected = bench.expect(trial.case)
    if expected is None:
        return SELF
    broken = broken_oracle(expected)
    if broken is not None:
        return broken
    if len(outcome.results) != len(expected.results):
        return fail("A616", "wrong number of steps", len(expected.results), len(outcome.results))
    wants = [each.array if isinstance(each, Array) else np.array(each) for each in expected.results]
    return _stepped(wants, outcome.results)


FACET = Facet("state", applies, trials, judge, needs=())
