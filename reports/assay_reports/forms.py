"""Normal forms: what a message says is wrong, without the numbers, types and names of the case at hand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_LONGEST: Final = 160
_DTYPE: Final = re.compile(
    r"\b(?:[A-Za-z_]+\.)?(?:bfloat16|b?float(?:8\w*|16|32|64|128)|complex(?:32|64|128|256)|u?int(?:8|16|32|64)"
    r"|half|double|bool)\b"
)
_NUMBER: Final = re.compile(r"(?<![\w.])[-+]?(?:0x[0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?j?|nan|inf)(?![\w])")
_SEVERAL: Final = re.compile(r"[\[(](?:\s*#\s*,?)*[\])]")
_IN_A_ROW: Final = re.compile(r"#(?:[\s,x]+#)+")


def normal_form(message: str, names: Iterable[str] = ()) -> str:
    """Return a message with numbers as `#`, element types as `dtype`, and some names of the case as `_`."""
    form = message.split("\n", 1)[0] if message.strip() else message
    form = _SEVERAL.sub("#", _NUMBER.sub("#", _DTYPE.sub("dtype", form)))
    form = _IN_A_ROW.sub("#", _SEVERAL.sub("#", form)).strip()
    known = sorted({each for each in names if each}, key=len, reverse=True)
    if known:
        form = re.sub(rf"(?<![\w.])(?:{'|'.join(map(re.escape, known))})(?!\w)", "_", form)
    return form if len(form) <= _LONGEST else form[:_LONGEST] + "…"
