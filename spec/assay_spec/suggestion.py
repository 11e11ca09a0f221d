"""Suggestions for an unknown word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggestion(word: str, known: Iterable[str], also: Iterable[str] = ()) -> str:
    """Say which words a word resembles, or else which are known here."""
    names = sorted(known) if isinstance(known, set) else list(known)
    close = difflib.get_close_matches(word, list(dict.fromkeys((*names, *also))), n=2, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(map(repr, close)) + "?"
    return "known: " + ", ".join(names[:30]) if names else "there is none"
