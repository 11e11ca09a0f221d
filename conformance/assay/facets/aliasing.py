"""aliasing: views share memory in both directions, copies do not, inputs are not changed."""

from __future__ import annotations

from collections.abc import Iterator

from assay.cases.case import Case
from assay.cases.outcome import Array
from assay.cases.plan import Plan
from assay.facets.base import (
    PASS,
    Facet,
    Judgement,
    Reason,
    SamplingRequest,
    Trial,
    drawn_trial,
    fail,
    plans,
    unanswered,
)
from assay.facets.shape import tensors
from assay.judge.bench import Bench
from assay_spec.model import Op, Overload


def takes_tensors(overload: Overload) -> bool:
    return overload.construct is None and overload.lead is not None and tensors(overload)


def applies(op: Op) -> bool:
    return any(map(takes_tensors, op.overloads))


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    for plan in plans(op, request, "options", "layout", "shape", fits=takes_tensors, limit=16):
        yield drawn_trial(op, plan, _unchanged, observe=frozenset({"mutation"}))
        if _writable(plan):
            yield drawn_trial(op, plan, _shared, observe=frozenset({"sharing"}))


def _writable(plan: Plan) -> bool:
    """Return whether every element of the inputs can be written: not so in an expanded tensor."""
    plain = [value for value in plan.given.values() if hasattr(value, "layout")]
    return all(value.layout != "expanded" and value.numel for value in plain)


def _unchanged(case: Case, plan: Plan, bench: Bench) -> Judgement:
    """Judge that the call changes no input but those that it is to change."""
    outcome = bench.ask(case)
    early = unanswered(outcome)
    if early is not None:
        return early
    changed = sorted(outcome.changed - _to_change(plan))
    if changed:
        return fail("A403", f"the call changed {', '.join(changed)}", "inputs not changed", "changed")
    return PASS


def _to_change(plan: Plan) -> frozenset[str]:
    """Return the names of the arguments that the call is to write to."""
    overload = plan.overload
    when = overload.changes_when is None or overload.changes_when(plan.scope)
    return frozenset(overload.changes) if when else frozenset()


def _shared(case: Case, plan: Plan, bench: Bench) -> Judgement:
    """Judge which argument's memory the result shares, if any."""
    outcome = bench.ask(case)
    early = unanswered(outcome)
    if early is not None:
        return early
    if not any(isinstance(each, Array) and each.array.size for each in outcome.results):
        return Judgement("pass", compared=False)
    overload, shares = plan.overload, outcome.shares
    when = True if overload.shares_when is None else overload.shares_when(plan.scope)
    if when == "maybe":
        return Judgement("pass", compared=False)
    due = overload.shares if when else None
    for name in shares:
        if name.partition(".")[0] != due:
            return fail("A402", f"the result shares memory with {name}", "a copy", f"shares with {name}")
    if due is not None and not any(name.partition(".")[0] == due for name in shares):
        if "views" not in bench.candidate.capabilities.features:
            return Judgement("unsupported", Reason("A003", "no views"))
        return fail("A401", f"the result does not share memory with {due}", f"a view of {due}", "a copy")
    return PASS


FACET = Facet("aliasing", applies, trials)
