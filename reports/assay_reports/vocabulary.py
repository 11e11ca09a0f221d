"""The words of results: facets, outcomes and efforts, each list once, for all rooms above the spec."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args

Effort = Literal["quick", "standard", "deep"]
EFFORTS: Final[tuple[Effort, ...]] = get_args(Effort)

# In the order in which they are asked and shown; `assay.facets` has a module of each name.
FACETS: tuple[str, ...] = (
    "signature",
    "defaults",
    "shape",
    "dtype",
    "values",
    "special",
    "layout",
    "strides",
    "gradient",
    "second-derivative",
    "saved",
    "in-place",
    "aliasing",
    "errors",
    "random",
    "state",
    "examples",
)


class Outcome(NamedTuple):
    """An outcome of an item."""

    glyph: str
    offered: bool  # the backend offers what was asked
    broken: bool  # somebody has something to mend


# The gravest first. An item is what the gravest of its cases is where that is broken; else what all of them came to,
# and `partial` where some pass and the others were not judged.
OUTCOMES: Final = {
    "crash": Outcome("☠", offered=True, broken=True),
    "timeout": Outcome("⧗", offered=True, broken=True),
    "harness_error": Outcome("⚡", offered=True, broken=True),
    "suite_error": Outcome("?", offered=False, broken=True),
    "error": Outcome("!", offered=True, broken=True),
    "fail": Outcome("✗", offered=True, broken=True),
    "partial": Outcome("◐", offered=True, broken=False),
    "pass": Outcome("✓", offered=True, broken=False),
    "self": Outcome("○", offered=False, broken=False),
    "unsupported": Outcome("–", offered=False, broken=False),
    "not_run": Outcome("·", offered=False, broken=False),
}
GRAVITY: Final = tuple(OUTCOMES)
OFFERED: Final = frozenset(name for name, outcome in OUTCOMES.items() if outcome.offered)
BROKEN: Final = frozenset(name for name, outcome in OUTCOMES.items() if outcome.broken)


MANY: Final = 2  # times as many cases: then a finding is no longer the same


def counted(number: int, noun: str) -> str:
    """Return a number with what it counts: `1 case`, `1,200 cases`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
