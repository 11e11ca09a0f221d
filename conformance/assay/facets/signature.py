"""signature: every documented parameter exists, positional order and keyword names are accepted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Final

from assay.cases.case import Case
from assay.cases.outcome import Outcome
from assay.cases.plan import Plan
from assay.facets.base import PASS, Facet, Judgement, SamplingRequest, Trial, drawn_trial, fail, plans, unanswered
from assay.judge.bench import Bench
from assay_spec.model import Op
from assay_spec.plans import ABSENT

# What Python and PyTorch say of parameters that are not there, or are there twice.
_PARAMETERS: Final = re.compile("(?i)argument|keyword|positional|parameter")


def applies(op: Op) -> bool:
    return not op.short_name.startswith("__") and any(each.arguments and each.results for each in op.overloads)


def trials(op: Op, request: SamplingRequest) -> Iterator[Trial]:
    for plan in plans(op, request, "options", limit=12):
        for names in dict.fromkeys(_ways(op, plan)):
            trial = drawn_trial(op, plan, judge, positional=names)
            yield trial
            call = trial.case.call
            if call is not None and call.unpacked is not None:
                case = trial.case.with_step("", unpacked=None)  # the sizes in one tuple
                yield Trial(case, partial(judge, case, plan), plan)
        if "method" in plan.overload.variants:
            yield drawn_trial(op, plan, judge, form="method")


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
        many.add(signature.names[0])  # the owner of a method is not passed by name
    yield tuple(name for name in leading if name in many)


def judge(case: Case, plan: Plan, bench: Bench) -> Judgement:
    outcome, call = bench.ask(case), case.call
    if call is not None and outcome.raised is not None and _is_about_parameters(outcome):
        passed = [[name for name in call.arguments if (name in call.positional) is by] for by in (True, False)]
        way = "by position {}, by name {}".format(*([name for name in each if name != "self"] for each in passed))
        form = f"a parameter is refused {'by name' if passed[1] else 'by position'}"
        return fail("A305", f"refuses {way}: {outcome.raised}", "accepted", outcome.raised, form=form)
    return unanswered(outcome) or PASS


def _is_about_parameters(outcome: Outcome) -> bool:
    """Return whether a call is refused for how its arguments are passed, and not for one of them."""
    raised = outcome.raised
    return raised is not None and raised.classes[0] == "TypeError" and bool(_PARAMETERS.search(raised.message))


FACET = Facet("signature", applies, trials)
