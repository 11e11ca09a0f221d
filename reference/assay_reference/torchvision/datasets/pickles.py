"""The pickles of CIFAR: dicts, lists, numbers, texts and arrays; a pickle that names anything else is refused.

What it may name are functions of this module, and an opcode can do no more to what they return than fill it in.
NumPy's own would do more: a pickle can change its built-in element types for the whole process.
"""

from __future__ import annotations

import io
import math
import pickle
from typing import Any, Final

import numpy as np

from assay_reference.serialization.loading import Opcodes, PureUnpickler
from assay_reference.serialization.pickles import Source
from assay_reference.torchvision.datasets.utils import naming

KINDS: Final = ("u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "b1")
# What makes objects of classes, and what asks for what is outside of the file.
LEFT_OUT: Final = b"".join(
    (
        *(pickle.INST, pickle.OBJ, pickle.NEWOBJ, pickle.NEWOBJ_EX, pickle.EXT1, pickle.EXT2, pickle.EXT4),
        *(pickle.PERSID, pickle.BINPERSID, pickle.NEXT_BUFFER, pickle.READONLY_BUFFER),
    )
)


class Element:
    """An element type, as a pickle says it."""

    def __init__(self, code: Any, align: Any = False, copy: Any = False) -> None:
        if code not in KINDS:
            raise pickle.UnpicklingError(f"{code!r} is the type of no number")
        self.dtype = np.dtype(code)

    def fill(self, state: Any) -> None:
        """Take the byte order, which is all that a plain type has to say."""
        self.dtype = self.dtype.newbyteorder(state[1] if state[1] in ("<", ">") else "=")


class Elements:
    """An array, as a pickle says it."""

    def __init__(self, *empty: Any) -> None:
        self.array = np.empty(0, np.uint8)

    def fill(self, state: Any) -> None:
        """Take the elements: bytes, or a text of Python 2 that stands for them."""
        _, shape, element, by_columns, content = state
        self.array = _array(content, element, shape, "F" if by_columns else "C").array


def _array(content: Any, element: Any, shape: Any, order: Any) -> Elements:
    """Make an array of bytes, which must be as many as it has."""
    made = Elements()
    raw = content.encode("latin1") if isinstance(content, str) else content
    if not isinstance(raw, bytes | bytearray):
        raise pickle.UnpicklingError(f"an array of elements of type {type(raw).__name__} is no array of bytes")
    if len(raw) != math.prod(shape) * element.dtype.itemsize:
        raise pickle.UnpicklingError(f"{len(raw)} bytes are no array of shape {shape} and type {element.dtype}")
    made.array = np.frombuffer(raw, element.dtype).reshape(shape, order=order)
    return made


def _encoded(text: str, encoding: str) -> bytes:
    """Return the bytes that protocol 2 has to write as a text."""
    return text.encode("latin1")


KNOWN: Final[dict[tuple[str, str], Any]] = {
    ("numpy", "dtype"): Element,
    ("numpy", "ndarray"): "numpy.ndarray",  # an argument of the next
    **{(f"numpy.{core}.multiarray", "_reconstruct"): Elements for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _array for core in ("core", "_core")},
    ("_codecs", "encode"): _encoded,
}


class Restricted(PureUnpickler):  # type: ignore[misc]
    """Python's own unpickler in Python, without what could run code."""

    dispatch = Opcodes({code: do for code, do in PureUnpickler.dispatch.items() if code not in LEFT_OUT})

    def find_class(self, module: str, name: str) -> Any:
        """Return what a pickle may name."""
        if (module, name) not in KNOWN:
            raise pickle.UnpicklingError(f"the pickle names {module}.{name}, which no data set needs")
        return KNOWN[module, name]

    def load_build(self) -> None:
        """Fill in what was made."""
        state = self.stack.pop()
        if not isinstance(self.stack[-1], Element | Elements):
            raise pickle.UnpicklingError(f"the pickle changes an object of type {type(self.stack[-1]).__name__}")
        self.stack[-1].fill(state)

    def load_bytearray8(self) -> None:
        """Read bytes, for which Python would take memory before it looks whether there are so many."""
        self.append(bytearray(self.read(int.from_bytes(self.read(8), "little"))))

    dispatch[pickle.BUILD[0]] = load_build
    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8


def read_pickle(path: str) -> dict[str, Any]:
    """Read a dict from a file."""
    with naming(path):
        with open(path, "rb") as file:
            content = file.read()
        try:
            entry = Restricted(Source(io.BytesIO(content), len(content)), encoding="latin1").load()
        except EOFError as error:
            raise (pickle.UnpicklingError if content else EOFError)(f"the pickle is cut short: {error}") from error
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise pickle.UnpicklingError(f"the pickle is damaged: {error}") from error
        if not isinstance(entry, dict):
            raise TypeError(f"the pickle is of type {type(entry).__name__}, and not a dict")
    return {key: value.array if isinstance(value, Elements) else value for key, value in entry.items()}
