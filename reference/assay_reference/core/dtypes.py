"""Element types, and the rules by which two of them make a third."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, Literal

import ml_dtypes
import numpy as np

Category = Literal["bool", "integer", "floating", "complex"]
CATEGORIES: Final[tuple[Category, ...]] = ("bool", "integer", "floating", "complex")


class dtype:
    """An element type, such as torch.float32."""

    __slots__ = (
        "category", "compute", "is_complex", "is_differentiable", "is_floating_point", "is_half", "itemsize", "name",
        "numpy", "title",
    )  # fmt: skip

    def __init__(self, name: str, title: str, category: Category, array_type: Any) -> None:
        self.name = name
        self.title = title  # as in FloatTensor and in messages
        self.category: Category = category
        self.numpy: np.dtype[Any] = np.dtype(array_type)
        self.itemsize: int = self.numpy.itemsize
        self.is_floating_point = category == "floating"
        self.is_complex = category == "complex"
        self.is_differentiable = category in ("floating", "complex")  # whether tensors of the type may have gradients
        self.is_half = self.is_floating_point and self.itemsize == 2
        # The half types are computed in float32 and rounded once, as PyTorch does on the CPU.
        self.compute: np.dtype[Any] = np.dtype(np.float32) if self.is_half else self.numpy

    @property
    def is_signed(self) -> bool:
        """Return whether negative numbers are among the values."""
        return self.category != "bool" and self.numpy.kind != "u"

    @property
    def c_name(self) -> str:
        """The type as C++ calls it."""
        return C_NAMES[self.name]

    def to_real(self) -> dtype:
        """Return the type of the real part."""
        return {complex64: float32, complex128: float64}.get(self, self)

    def to_complex(self) -> dtype:
        """Return the complex type whose real part is of this type, or the nearest there is."""
        if self.category in ("bool", "integer"):
            raise RuntimeError(f"Unknown Complex ScalarType for {self.title}")
        return self if self.is_complex else complex128 if self is float64 else complex64

    def scalar(self, value: Any, *, wide: bool = False) -> Any:
        """Turn a Python number into one that kernels compute with: integers wrap around, floats lose their fraction.

        A number that meets a half type is rounded to it, unless it is to stay as wide as the computation.
        """
        try:
            number = self.compute.type(value)
        except (OverflowError, ValueError):
            number = np.array(int(value) % 2**64 if math.isfinite(value) else 0, np.uint64).astype(self.numpy)[()]
        except TypeError:  # a complex number in a real type
            number = self.compute.type(value.real)
        return self.numpy.type(number).astype(self.compute) if self.is_half and not wide else number

    def checked(self, value: Any, *, wide: bool = False) -> Any:
        """Turn a Python number into one that kernels compute with, or raise that the type cannot hold it.

        A negative integer wraps around in an unsigned type, and a half type takes what is too large as infinity.
        """
        real = value.real if isinstance(value, complex) and not (value.imag or self.is_complex) else value
        if not self._holds(real):
            raise RuntimeError(f"value cannot be converted to type {self.c_number} without overflow")
        return self.scalar(real, wide=wide)

    def _holds(self, value: Any) -> bool:
        if isinstance(value, complex):
            return self.is_complex
        if self.category == "integer":
            limits = np.iinfo(self.numpy)
            lowest, highest = int(limits.min), int(limits.max)
            if isinstance(value, float):
                return lowest <= value <= float(highest)
            return (lowest or -highest) <= int(value) <= highest
        if self is float32:
            return not math.isfinite(value) or abs(value) <= float(np.finfo(np.float32).max)
        return True

    @property
    def c_number(self) -> str:
        """The type as C++ calls it where numbers are converted to it."""
        return {"float32": "float", "float64": "double", "int32": "int", "bool": "bool"}.get(
            self.name, f"{self.name}_t" if self.category == "integer" else self.c_name
        )

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


bool_ = dtype("bool", "Bool", "bool", np.bool_)
uint8 = dtype("uint8", "Byte", "integer", np.uint8)
int8 = dtype("int8", "Char", "integer", np.int8)
int16 = dtype("int16", "Short", "integer", np.int16)
int32 = dtype("int32", "Int", "integer", np.int32)
int64 = dtype("int64", "Long", "integer", np.int64)
float16 = dtype("float16", "Half", "floating", np.float16)
bfloat16 = dtype("bfloat16", "BFloat16", "floating", ml_dtypes.bfloat16)
float32 = dtype("float32", "Float", "floating", np.float32)
float64 = dtype("float64", "Double", "floating", np.float64)
complex64 = dtype("complex64", "ComplexFloat", "complex", np.complex64)
complex128 = dtype("complex128", "ComplexDouble", "complex", np.complex128)

# What C++ calls the types.
C_NAMES: Final = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short int", "int32": "int",
    "int64": "long int", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip
DTYPES: Final = (
    bool_, uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64, complex64, complex128
)  # fmt: skip
OF_ARRAY: Final = {each.numpy: each for each in DTYPES}

short, int_, long, half = int16, int32, int64, float16
float_, double, cfloat, cdouble = float32, float64, complex64, complex128


class _Default:
    """The type of floating point results that nothing else decides."""

    dtype = float32


def get_default_dtype() -> dtype:
    """Return the type that Python floats become."""
    return _Default.dtype


def set_default_dtype(d: dtype, /) -> None:
    """Choose the type that Python floats become."""
    if not isinstance(d, dtype):
        raise TypeError("invalid dtype object: only floating-point types are supported as the default type")
    if not d.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _Default.dtype = d


def of_array(array: Any) -> dtype:
    """Return the element type of an array."""
    try:
        return OF_ARRAY[array.dtype]
    except KeyError:
        native = array.dtype.newbyteorder("=")
        if native in OF_ARRAY:
            raise ValueError(
                "given numpy array has byte order different from the native byte order. "
                "Conversion between byte orders is currently not supported."
            ) from None
        raise TypeError(
            f"can't convert np.ndarray of type {_numpy_name(array.dtype)}. The only supported types are: "
            "float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, "
            "uint16, uint8, and bool."
        ) from None


def _numpy_name(array_type: np.dtype[Any]) -> str:
    return f"numpy.{array_type.type.__name__}"


def of_number(value: complex) -> dtype:
    """Return the element type that a Python number becomes."""
    if isinstance(value, bool):
        return bool_
    if isinstance(value, int):
        return int64
    return _Default.dtype if isinstance(value, float) else _Default.dtype.to_complex()


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """Return the smallest type that both types can be cast to, bool below integers below floats below complex."""
    if type1 is type2:
        return type1
    low, high = sorted((type1, type2), key=lambda each: (CATEGORIES.index(each.category), each.itemsize))
    if low.category != high.category:
        return complex128 if high.is_complex and low is float64 else high
    if high.is_half:
        return float32  # half and bfloat16
    if low is uint8:
        return int16 if high is int8 else high
    if high is uint8:
        return int16
    return high


def can_cast(from_: dtype, to: dtype) -> bool:
    """Return whether a result of one type may be stored in a tensor of the other."""
    return CATEGORIES.index(from_.category) <= CATEGORIES.index(to.category)


def combine(dimensioned: dtype | None, zero_dim: dtype | None, number: dtype | None) -> dtype:
    """Return the type of a result: what has dimensions decides, unless a later kind is of a higher category."""
    return _outrank(_outrank(dimensioned, zero_dim), number) or float32


def _outrank(first: dtype | None, second: dtype | None) -> dtype | None:
    if first is None or second is None:
        return first or second
    if second.is_complex and first.is_floating_point:
        return first.to_complex()
    if CATEGORIES.index(second.category) > CATEGORIES.index(first.category):
        return promote_types(first, second)
    return first


def promote_all(types: Iterable[dtype]) -> dtype | None:
    """Promote any number of types; return None for none."""
    result: dtype | None = None
    for each in types:
        result = each if result is None else promote_types(result, each)
    return result


Rank = Literal["dimensioned", "zero_dim", "number"]


@lru_cache(maxsize=4096)
def result_of(ranked: tuple[tuple[dtype, Rank], ...]) -> dtype:
    """Return the type of a result from each operand's type and rank."""
    dimensioned, zero_dim, number = (
        promote_all(each for each, rank in ranked if rank == wanted) for wanted in ("dimensioned", "zero_dim", "number")
    )
    return combine(dimensioned, zero_dim, number)


class finfo:
    """The limits of a floating point type."""

    def __init__(self, type: dtype | None = None) -> None:
        of = type or _Default.dtype
        if not (of.is_floating_point or of.is_complex):
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"
            )
        info: Any = ml_dtypes.finfo(of.to_real().numpy)  # type: ignore[no-untyped-call]
        self.dtype = of.to_real().name
        self.bits = int(info.bits)
        self.eps, self.max, self.min = float(info.eps), float(info.max), float(info.min)
        self.tiny = self.smallest_normal = float(info.smallest_normal)
        self.resolution = 10.0**-info.precision

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """The limits of an integer type."""

    def __init__(self, type: dtype) -> None:
        if type.category != "integer":
            raise TypeError(f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{type!r}'")
        info = np.iinfo(type.numpy)
        self.dtype, self.bits, self.max, self.min = type.name, info.bits, int(info.max), int(info.min)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
