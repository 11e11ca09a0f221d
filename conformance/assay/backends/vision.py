"""The installed torchvision, imported when a case first asks for it: it takes a second."""

from __future__ import annotations

import importlib
import sys
from functools import cache
from typing import Any, Final

from assay.backends.base import Unsupported

# Operators that torchvision registers formulas for as it is imported, though not every build of it has them.
_OPERATORS: Final = tuple(
    f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor" for name in ("nms", "qnms")
)


@cache
def installed() -> Any:
    """Import torchvision; raise Unsupported where it is not installed, or not for this PyTorch."""
    try:
        try:
            return importlib.import_module("torchvision")
        except RuntimeError:
            _declare(_OPERATORS)
            return importlib.import_module("torchvision")
    except (ImportError, RuntimeError) as error:
        raise Unsupported("op", f"no torchvision: {error}") from None


def _declare(operators: tuple[str, ...]) -> None:
    """Declare operators of torchvision's, and forget what has been imported of it without them."""
    library = importlib.import_module("torch").library.Library("torchvision", "FRAGMENT")
    _KEPT.append(library)
    for each in operators:
        library.define(each)
    for name in [each for each in sys.modules if each.partition(".")[0] == "torchvision"]:
        del sys.modules[name]


_KEPT: Final[list[Any]] = []  # a library that nobody holds takes its operators with it
