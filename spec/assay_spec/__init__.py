"""The corpus: what each PyTorch function does, as data."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from assay_spec.documents import SpecError
    from assay_spec.loader import load_corpus
    from assay_spec.model import Corpus, Op, Overload

__all__ = ["Corpus", "Op", "Overload", "SpecError", "load_corpus"]

_HOMES: Final = {
    "Corpus": "model",
    "Op": "model",
    "Overload": "model",
    "SpecError": "documents",
    "load_corpus": "loader",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, so that naming a dtype or an edition costs no parser."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
