"""The search along a direction for a step that satisfies the strong Wolfe conditions (Nocedal and Wright, 3.5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from assay_reference.core.tensor import Tensor

_DECREASE: Final = 1e-4  # of the loss, as a share of what the slope at the start promises
_FLATTER: Final = 0.9  # how steep the slope may still be, as a share of that at the start


@dataclass(frozen=True)
class Point:
    """A point of a direction: how far it is, and the loss, the gradient and the slope there."""

    step: Any
    loss: float
    gradient: Tensor
    slope: Any


def strong_wolfe(
    at: Callable[[Any], Point], start: Point, step: Any, narrow: Callable[[Any], bool], most: int
) -> tuple[Point, int]:
    """Return the point found, and how often the loss was evaluated.

    First steps grow until two points bracket a good one, then the bracket shrinks until it has one, or is narrow.
    """

    def too_high(point: Point) -> bool:
        return bool(point.loss > start.loss + _DECREASE * point.step * start.slope)

    def flat(point: Point) -> bool:
        return bool(abs(point.slope) <= -_FLATTER * start.slope)

    before, point, count = start, at(step), 1
    while count <= most:
        if too_high(point) or (count > 2 and point.loss >= before.loss):
            break
        if flat(point):
            return point, count
        if point.slope >= 0:
            break
        nearest, farthest = point.step + 0.01 * (point.step - before.step), point.step * 10
        before, point = point, at(_lowest(before, point, nearest, farthest))
        count += 1
    else:
        before = start
    bracket = [before, point]

    low, stuck, done = _lower(bracket), False, False
    while not done and count <= most and not narrow(bracket[1].step - bracket[0].step):
        first, last = sorted((each.step for each in bracket), key=float)
        step = _lowest(bracket[0], bracket[1], first, last)
        margin = 0.1 * (last - first)
        at_the_edge = min(last - step, step - first) < margin
        if at_the_edge and (stuck or step >= last or step <= first):
            step = last - margin if abs(step - last) < abs(step - first) else first + margin
            at_the_edge = False
        stuck = at_the_edge
        point = at(step)
        count += 1
        if too_high(point) or point.loss >= bracket[low].loss:
            bracket[1 - low] = point
            low = _lower(bracket)
        else:
            done = flat(point)
            if not done and point.slope * (bracket[1 - low].step - bracket[low].step) >= 0:
                bracket[1 - low] = bracket[low]
            bracket[low] = point
    return bracket[low], count


def _lower(bracket: list[Point]) -> int:
    return 0 if bracket[0].loss <= bracket[1].loss else 1


def _lowest(one: Point, other: Point, first: Any, last: Any) -> Any:
    """Return where the cubic through two points, with their slopes, is lowest within bounds."""
    left, right = (one, other) if one.step <= other.step else (other, one)
    bend = left.slope + right.slope - 3 * (left.loss - right.loss) / (left.step - right.step)
    square = bend**2 - left.slope * right.slope
    if not square >= 0:
        return (first + last) / 2.0
    root = square.sqrt()
    share = (right.slope + root - bend) / (right.slope - left.slope + 2 * root)
    return min(max(right.step - (right.step - left.step) * share, first), last)
