"""Cells of the site's tables: what some items came to, and their two numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from assay_reports.results import Result
from assay_reports.score import Score, percent
from assay_reports.vocabulary import BROKEN, GRAVITY, OUTCOMES

GLYPHS: Final = {**{name: outcome.glyph for name, outcome in OUTCOMES.items()}, "none": ""}
# The outcomes in words, in the order of the parts of a bar.
LABELS: Final = {
    "pass": "pass",
    "partial": "pass in part",
    "self": "not judged without PyTorch",
    "fail": "fail",
    "error": "error",
    "timeout": "timeout",
    "crash": "crash",
    "harness_error": "harness error",
    "suite_error": "error of the suite",
    "unsupported": "not offered",
    "not_run": "not run",
}

_SAYING: Final = BROKEN | {"partial"}  # the states that two numbers say more about


def state_of(results: Sequence[Result]) -> str:
    """Return one state for several items: their gravest outcome, or `partial` where only some of them pass."""
    outcomes = {result.outcome for result in results}
    if not outcomes:
        return "none"
    gravest = min(outcomes, key=GRAVITY.index)
    return "partial" if gravest == "pass" and len(outcomes) > 1 else gravest


@dataclass(frozen=True, slots=True)
class Cell:
    """What some items of a backend came to."""

    state: str
    score: Score
    items: int

    @classmethod
    def of(cls, results: Sequence[Result]) -> Cell:
        return cls(state_of(results), Score.over(results), len(results))

    @property
    def broken(self) -> bool:
        return self.state in BROKEN

    @property
    def text(self) -> str:
        """The glyph of the state, then coverage and conformance in per cent where they say more than it does."""
        words = self._words
        return f"{GLYPHS[self.state]}{words:>10}" if words else GLYPHS[self.state]

    @property
    def _words(self) -> str:
        if self.state not in _SAYING or self.score == Score(None, None):
            return ""
        return " ".join(
            f"{percent(each).removesuffix('%'):>4}" for each in (self.score.coverage, self.score.conformance)
        )
