"""Drawing: plans of calls at random, from all of an overload's domains."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Final

from assay.cases.plan import ABSTAINED, Plan, bound, furnished, holds, leading_of, led, may_be_left_out
from assay_reports.vocabulary import Effort
from assay_spec.domains import Either, Focus
from assay_spec.domains.draws import Choice, Draw, booleans
from assay_spec.model import Argument, Overload
from assay_spec.plans import ABSENT
from assay_spec.scope import Scope
from assay_spec.signature import Signature

# How many walked and how many random plans one item may take.
SHARES: Final[dict[Effort, tuple[int, int]]] = {"quick": (12, 0), "standard": (40, 6), "deep": (160, 60)}

_ENOUGH: Final = 20  # draws from which the share of rejected ones can be estimated
_WASTE: Final = 0.4  # some are rightly rejected: those whose result dtype is not in the corpus


class Wasteful(Exception):
    """The `require:` of an op rejects too many of the calls drawn from its domains."""


def drawn(overload: Overload, focus: Focus, count: int, seed: int) -> list[Plan]:
    """Return plans drawn from all of the domain, the same for the same seed."""
    source = random.Random(seed)
    found = [plan for plan in (_drawn(overload, focus, source) for _ in range(count)) if plan is not None]
    rejected = count - len(found)
    if count >= _ENOUGH and rejected > _WASTE * count:
        raise Wasteful(f"{rejected} of {count} drawn calls were rejected: narrow the domains to what `require:` allows")
    return found


def _drawn(overload: Overload, focus: Focus, source: random.Random) -> Plan | None:
    def draw(choice: Choice) -> Any:
        return choice(source)

    constructed: dict[str, Any] = {}
    training = True
    scope = Scope(overload.let)
    maker = overload.construct
    try:
        if maker is not None:
            constructed, scope = _drawn_arguments(maker.arguments, maker.signature, scope, focus, draw)
            training = source.choice((True, False))
            if not all(condition(scope) for condition in maker.require):
                return None
            scope = furnished(maker, scope, focus, training=training)
        given, scope = _drawn_arguments(overload.arguments, overload.signature, scope, focus, draw)
        return Plan(overload, given, scope, constructed, training) if holds(overload, scope) else None
    except ABSTAINED:
        return None


def _drawn_arguments(
    arguments: Sequence[Argument],
    signature: Signature,
    scope: Scope,
    focus: Focus,
    draw: Draw,
) -> tuple[dict[str, Any], Scope]:
    given: dict[str, Any] = {}
    leading = leading_of(arguments)
    for index, argument in enumerate(arguments):
        domain = argument.domain(scope)
        optional = may_be_left_out(argument, domain, signature)
        if isinstance(domain, Either) and not focus.on("options"):
            domain = domain.choices[0]
        value = (
            ABSENT if optional and draw(booleans()) else domain.draw(draw, led(focus) if index == leading else focus)
        )
        given[argument.name] = value
        scope = bound(argument, domain, value, signature, scope)
    return given, scope
