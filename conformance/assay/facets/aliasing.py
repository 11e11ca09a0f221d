"""aliasing: views share memory in both directions, copies do not, inputs are left alone."""

from __future__ import annotations

from collections.abc import Iterator

from assay.cases import draw
from assay.cases.case import Array, Call
from assay.cases.draw import Plan
from assay.facets.base import PASS, Facet, Judgement, SamplingRequest, Trial, fail, plans, unanswered
from assay.facets.shape import tensors
from assay.judge.bench import Bench
from assay_spec.model import Op, Overload


def takes_tensors(overload: Overload) -> bool:
    return overload.lead is not None and tensors(overload)


def applies(op: Op) -> bool:
    return op.kind == "function" and any(map(takes_tensors, op.overloads))


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    for plan in plans(op, request, "options", "layout", "shape", fits=takes_tensors, limit=16):
        yield Trial(draw.call(op, plan, observe=frozenset({"mutation"})), plan)
        if _writable(plan):
            yield Trial(draw.call(op, plan, observe=frozenset({"sharing"})), plan)


def _writable(plan: Plan) -> bool:
    """Return whether every element of the inputs may be written: an expanded tensor's may not."""
    plain = [value for value in plan.given.values() if hasattr(value, "layout")]
    return all(value.layout != "expanded" and value.numel for value in plain)


def judge(op: Op, trial: Trial, bench: Bench) -> Judgement:
    assert isinstance(trial.case, Call) and trial.plan is not None
    outcome = bench.ask(trial.case)
    early = unanswered(outcome)
    if early is not None:
        return early
    if "mutation" in trial.case.observe:
        changed = sorted(outcome.changed - _to_change(trial.plan))
        if changed:
            return fail("A403", f"the call changed {', '.join(changed)}", "inputs left alone", "changed")
        return PASS
    if not any(isinstance(each, Array) and each.array.size for each in outcome.results):
        return Judgement("pass", compared=False)
    return _shared(trial.plan, outcome.shares)


def _to_change(plan: Plan) -> frozenset[str]:
    """Name the arguments that the call is to write to, as its purpose or on the side."""
    overload = plan.overload
    when = overload.changes_when is None or overload.changes_when(plan.scope)
    return frozenset(overload.changes) if when else frozenset()


def _shared(plan: Plan, shares: frozenset[str]) -> Judgement:
    overload = plan.overload
    when = True if overload.shares_when is None else overload.shares_when(plan.scope)
    if when == "maybe":
        return Judgement("pass", compared=False)
    due = overload.shares if when else None
    for name in shares:
        if name.partition(".")[0] != due:
            return fail("A402", f"the result shares memory with {name}", "a copy", f"shares with {name}")
    if due is not None and not any(name.partition(".")[0] == due for name in shares):
        return fail("A401", f"the result does not share memory with {due}", f"a view of {due}", "a copy")
    return PASS


FACET = Facet("aliasing", applies, trials, judge)
