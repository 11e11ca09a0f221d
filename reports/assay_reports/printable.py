"""Text of others on our terminal and in our files: nothing in it may act."""

from __future__ import annotations

import re
from typing import Final

# Control characters (escape sequences begin with one), lone surrogates, and what reorders the text around it.
_ACTING: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Return a text on one line, with what would act shown as its code instead."""
    return _ACTING.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)
