"""Text of others on our terminal and in our files: nothing in it may act."""

from __future__ import annotations

import re
from typing import Final

# Control characters (escape sequences begin with one), what breaks lines or reorders the text around it, and what no
# XML may hold: lone surrogates, U+FFFE and U+FFFF.
_ACTING: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """Return a text on one line, with what would act shown as its code instead."""
    return _ACTING.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)
