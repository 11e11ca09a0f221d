"""Normal forms: what a message says is wrong, without the numbers, types and names of the case at hand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_LONGEST: Final = 160
_READ: Final = 2000  # characters of a message
# As Python writes them, as PyTorch's messages do (`Float`, `ComplexHalf`) and as XLA's do (`f32`).
_DTYPE: Final = re.compile(
    r"\b(?:[A-Za-z_]+\.)?(?:bfloat16|float(?:8\w*|16|32|64|128)|complex(?:32|64|128|256)|u?int(?:8|16|32|64)"
    r"|half|double|bool|BFloat16|(?:Complex)?(?:Float|Double|Half)|Byte|Char|Short|Int|Long|Bool"
    r"|bf16|f16|f32|f64|[us](?:8|16|32|64)|c64|c128)\b"
)
_SIZES: Final = r"[1-9]\d*(?:x\d+)+"
_REAL: Final = r"(?:0x[0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?(?:p[-+]?\d+)?|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|inf)"
_NUMBER: Final = re.compile(rf"(?<![\w.])(?:{_SIZES}|[-+]?{_REAL}(?:[-+]{_REAL}j|j)?)(?!\w)|(?<![\w.])\d+(?=[dD]\b)")
_IN_A_ROW: Final = re.compile(r"#(?:[\s,]+#)+")
_LIST: Final = re.compile(r"(?:\[|(?<!\w)\()\s*(?:#\s*,?\s*)?[\])]")
_CALLED: Final = re.compile(r"(?<![\w.])[A-Za-z_][\w.]*(?:<locals>\.[\w.]+)*\(\)")  # a function, as messages name it


def normal_form(message: str, names: Iterable[str] = ()) -> str:
    """Return a message with numbers as `#`, element types as `dtype`, functions and some names of the case as `_`."""
    form = next(filter(None, map(str.strip, message.splitlines())), "no message")
    form = _without_numbers(_CALLED.sub("_()", _DTYPE.sub("dtype", form[:_READ])))
    known = sorted(filter(None, names), key=len, reverse=True)
    if known:
        form = re.sub(rf"(?<![\w.])(?:{'|'.join(map(re.escape, known))})(?!\w)", "_", form)
    return form if len(form) <= _LONGEST else form[:_LONGEST] + "…"


def _without_numbers(form: str) -> str:
    """Return a form in which each number, and each list of numbers, is one `#`."""
    form, before = _NUMBER.sub("#", form), ""
    while form != before:
        form, before = _LIST.sub("#", _IN_A_ROW.sub("#", form)), form
    return form.strip()
