"""What a case asks a backend to have: the element types of its tensors, and those that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from assay.cases.case import Case, TensorValue
from assay_spec import dtypes
from assay_spec.domains import Dtype
from assay_spec.steps import Function, Named, Step, Value

# PyTorch's other names for an element type: of methods, of the tensor and storage classes of old, of aliases.
_OTHER_NAMES: Final[dict[str, str]] = {
    word: dtype
    for dtype, words in {
        "float64": "double DoubleTensor DoubleStorage",
        "float32": "float FloatTensor FloatStorage",
        "float16": "half HalfTensor HalfStorage",
        "bfloat16": "BFloat16Tensor BFloat16Storage",
        "int64": "long LongTensor LongStorage",
        "int32": "int IntTensor IntStorage",
        "int16": "short ShortTensor ShortStorage",
        "int8": "char CharTensor CharStorage",
        "uint8": "byte ByteTensor ByteStorage",
        "bool": "BoolTensor BoolStorage",
        "complex64": "cfloat",
        "complex128": "cdouble",
    }.items()
    for word in words.split()
}
_ATTRIBUTE: Final = re.compile(r"(?<=\.)[A-Za-z_]\w*")


def dtypes_in(case: Case) -> Iterator[str]:
    """Yield the element types that a case asks for."""
    for step in case.steps:
        yield from _of_step(step)
    for value in (*case.upstream.values(), *case.second.values()):
        yield value.dtype


def _of_step(step: Step) -> Iterator[str]:
    if step.form == "program":
        for name in _ATTRIBUTE.findall(step.target):
            yield from _named(name)
    elif step.form != "builtin":  # Python's own `float` and `int` are no element types
        yield from _named(step.short)
    for value in step.arguments.values():
        yield from _of_value(value)


def _of_value(value: Value) -> Iterator[str]:
    kind = type(value)
    if kind is TensorValue:
        yield value.dtype
    elif kind is Dtype:
        yield str(value)
    elif kind is Named:
        if value.name.startswith("torch."):
            yield from _named(value.name.removeprefix("torch."))
    elif kind is Function:
        for step in value.steps:
            yield from _of_step(step)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _of_value(each)
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from _of_value(each)


def _named(name: str) -> Iterator[str]:
    """Yield the element type that a name stands for, if it does."""
    dtype = name if name in dtypes.ALL else _OTHER_NAMES.get(name)
    if dtype is not None:
        yield dtype
