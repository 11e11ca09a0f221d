"""How wide a border is: the same all around, left and right or top and bottom, or at each side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

MODES: Final = ("constant", "edge", "reflect", "symmetric")


def check_border(padding: Any, padding_mode: Any) -> None:
    if isinstance(padding, (tuple, list)) and len(padding) not in (1, 2, 4):
        raise ValueError(f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} element tuple")
    if padding_mode not in MODES:
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")


def four_sides(padding: int | Sequence[int]) -> tuple[int, int, int, int]:
    """Return how wide the border is at the left, the top, the right and the bottom."""
    left, top, right, bottom = (padding,) * 4 if isinstance(padding, int) else tuple(padding) * (4 // len(padding))
    return left, top, right, bottom
