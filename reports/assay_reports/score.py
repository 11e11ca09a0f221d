"""The two numbers of a report: how much of the corpus is offered, and how much of that is right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay_reports.results import Result


@dataclass(frozen=True, slots=True)
class Score:
    """Two shares, each a mean over ops of a mean over items of a share of cases; None where nothing counts.

    A case that was not judged, for want of PyTorch or by a fault of the suite, counts in neither.
    """

    coverage: float | None  # of the cases, those that are offered
    conformance: float | None  # of the offered cases, those that pass

    @classmethod
    def over(cls, results: Iterable[Result]) -> Score:
        by_op: dict[str, list[Result]] = {}
        for result in results:
            by_op.setdefault(result.op, []).append(result)
        return cls(_mean(by_op, _offered), _mean(by_op, _right))

    @property
    def texts(self) -> tuple[str, str]:
        """Coverage and conformance as text; no share is rounded up to 100%, or down to 0%."""
        return percent(self.coverage), percent(self.conformance)


def percent(share: float | None) -> str:
    """Return a share with one decimal, or a dash where there is none."""
    if share is None:
        return "–"
    tenths = round(share * 1000)
    if tenths == 1000 and share < 1:
        tenths = 999
    if tenths == 0 and share > 0:
        tenths = 1
    return f"{tenths / 10:.1f}%" if tenths % 1000 else f"{tenths // 10}%"


def _offered(result: Result) -> tuple[int, int]:
    offered = result.passed + result.failed
    return offered, offered + result.unsupported


def _right(result: Result) -> tuple[int, int]:
    return result.passed, result.passed + result.failed


def _mean(by_op: Mapping[str, Sequence[Result]], part: Callable[[Result], tuple[int, int]]) -> float | None:
    shares = []
    for results in by_op.values():
        items = [(some, whole) for some, whole in map(part, results) if whole]
        if items:
            shares.append(fmean(some / whole for some, whole in items))
    return fmean(shares) if shares else None
