"""The editions of the corpus: PyTorch as it is, and as the documents show it."""

from __future__ import annotations

from typing import Final, Literal, get_args

Edition = Literal["current", "documented"]
EDITIONS: Final[tuple[Edition, ...]] = get_args(Edition)
