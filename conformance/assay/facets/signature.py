"""signature: every documented parameter exists, positional order and keyword names are accepted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.cases import draw
from assay.cases.case import Call
from assay.cases.draw import Plan
from assay.facets.base import PASS, Facet, Finding, Judgement, SamplingRequest, Trial, plans, unanswered
from assay.judge.bench import Bench
from assay_spec.model import Op
from assay_spec.plans import ABSENT


def applies(op: Op) -> bool:
    called = op.kind in ("function", "module") and not op.short_name.startswith("__")
    return called and any(each.arguments for each in op.overloads)


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    for plan in plans(op, request, "options", limit=12):
        for names in dict.fromkeys(_ways(op, plan)):
            case = draw.call(op, plan, positional=names)
            yield Trial(case, plan)
            if case.spread is not None:
                yield Trial(replace(case, spread=None), plan)  # the sizes in one tuple
        if "method" in plan.overload.variants:
            yield Trial(draw.call(op, plan, form="method"), plan)


def _ways(op: Op, plan: Plan) -> Iterator[tuple[str, ...]]:
    """Yield the ways to pass the arguments: as many by position as there may be, and as few."""
    signature = plan.overload.signature
    passed = [name for name in signature.names if plan.given.get(name, ABSENT) is not ABSENT]
    leading = []
    for name in signature.positional:
        if name not in passed:
            break
        leading.append(name)
    yield tuple(leading)
    many = {each.name for each in signature.parameters if each.kind == "many"}
    if op.is_method:
        many.add(signature.names[0])  # what the method is called on has no name
    yield tuple(name for name in leading if name in many)


def judge(op: Op, trial: Trial, bench: Bench) -> Judgement:
    assert isinstance(trial.case, Call)
    outcome = bench.ask(trial.case)
    if outcome.raised is not None and outcome.raised.classes[0] == "TypeError":
        by_name = [name for name in trial.case.arguments if name not in trial.case.positional]
        way = f"by position {list(trial.case.positional)}, by name {by_name}"
        return Judgement("fail", Finding("A305", f"refuses {way}: {outcome.raised}", "accepted", str(outcome.raised)))
    return unanswered(outcome) or PASS


FACET = Facet("signature", applies, trials, judge)
