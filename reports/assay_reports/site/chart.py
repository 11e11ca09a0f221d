"""A chart of a backend's two numbers over its runs: where the lines and points of an SVG picture lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from assay_reports.history import Point
from assay_reports.score import percent

_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 480, 12, 126  # of the lines; what they are called stands to the right
_APART: Final = 16  # between the names of two lines


@dataclass(frozen=True, slots=True)
class Mark:
    """A run's share, as a point of a line."""

    x: float
    y: float
    text: str
    complete: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One of the two numbers over the runs."""

    name: str
    marks: tuple[Mark, ...]
    label_y: float

    @property
    def points(self) -> str:
        return " ".join(f"{mark.x:.1f},{mark.y:.1f}" for mark in self.marks)

    @property
    def label(self) -> str:
        return self.marks[-1].text


@dataclass(frozen=True)
class Chart:
    """Two lines over the runs, between two shares that are written at the side."""

    lines: tuple[Line, ...]
    low: int
    high: int = 100
    left: int = _LEFT
    right: int = _RIGHT
    top: int = _TOP
    bottom: int = _BOTTOM


def chart(points: Sequence[Point]) -> Chart | None:
    """Return the chart of some runs; None where fewer than two of them have one of the numbers."""
    shares = {name: [getattr(point.score, name) for point in points] for name in ("coverage", "conformance")}
    known = {name: [share for share in found if share is not None] for name, found in shares.items()}
    if min(map(len, known.values())) < 2:
        return None
    low = min(int(min(map(min, known.values())) * 10) * 10, 90)
    lines = [(name, tuple(_marks(points, found, low))) for name, found in shares.items()]
    return Chart(tuple(_named(lines)), low)


def _marks(points: Sequence[Point], shares: Sequence[float | None], low: int) -> Iterator[Mark]:
    step = (_RIGHT - _LEFT) / (len(points) - 1)
    for number, (point, share) in enumerate(zip(points, shares, strict=True)):
        if share is not None:
            height = (share * 100 - low) / (100 - low)
            yield Mark(_LEFT + number * step, _BOTTOM - height * (_BOTTOM - _TOP), percent(share), point.complete)


def _named(lines: Sequence[tuple[str, tuple[Mark, ...]]]) -> Iterator[Line]:
    """Yield lines with their names at their ends, moved apart where they would touch."""
    ends = [marks[-1].y for _, marks in lines]
    middle, half = sum(ends) / 2, max(abs(ends[0] - ends[1]), _APART) / 2
    for (name, marks), end in zip(lines, ends, strict=True):
        above = end < middle or (end == middle and name == lines[-1][0])
        yield Line(name, marks, middle - half if above else middle + half)
