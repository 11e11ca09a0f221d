"""Pointwise functions against real PyTorch, over all dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import assay_reference

torch = pytest.importorskip("torch")

DTYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64",
    "complex128",
)  # fmt: skip
UNARY = (
    "abs", "neg", "exp", "log", "sqrt", "square", "sigmoid", "tanh", "relu", "floor", "ceil", "trunc", "round", "sign",
    "isnan", "isinf", "isfinite", "logical_not", "bitwise_not", "reciprocal", "sin", "cos", "sgn", "conj", "tan",
    "asin", "acos", "atan", "sinh", "cosh", "rsqrt", "log1p", "frac", "erf", "erfinv", "lgamma",
    "log2", "log10", "expm1",
)  # fmt: skip
BINARY = (
    "add", "sub", "mul", "div", "floor_divide", "remainder", "fmod", "pow", "maximum", "minimum", "eq", "ne", "lt",
    "le", "gt", "ge", "logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor", "clamp",
    "atan2",
)  # fmt: skip
REALS = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 3.0, -7.25, float("inf"), -float("inf"), float("nan")]
OTHERS = [2.0, 3.0, -2.0, 0.5, -0.5, 2.0, float("inf"), -3.0, 1.5, 2.0, float("inf"), float("nan"), 1.0]
WHOLE = [0, 1, 2, 3, 5, 7, 100, 127]
COMPLEX = [1 + 2j, -1 + 0.5j, 0.25 - 1j, -2 - 2j]


def values(dtype: str) -> list[Any]:
    if dtype == "bool":
        return [True, False]
    if "int" in dtype:
        return WHOLE if dtype == "uint8" else [*WHOLE, -1, -3, -128]
    return COMPLEX if "complex" in dtype else REALS


def others(dtype: str) -> list[Any]:
    if dtype == "bool":
        return [True, True]
    if "int" in dtype:
        ring = [3, 2, 1, 5, 7, 2, 3, 4]
        return ring if dtype == "uint8" else [*ring, -2, 2, -3]
    return COMPLEX[::-1] if "complex" in dtype else OTHERS


def answer(library: Any, name: str, dtype: str, *data: list[Any]) -> tuple[str, Any]:
    """Call a function; return the dtype of its result and the result, or its error."""
    tensors = [library.tensor(each, dtype=getattr(library, dtype)) for each in data]
    try:
        result = getattr(library, name)(*tensors)
    except Exception as error:
        return type(error).__name__, str(error)
    return str(result.dtype), result


def host(result: Any) -> np.ndarray[Any, Any]:
    if str(result.dtype) == "torch.bfloat16":
        result = result.float()
    return np.asarray(result.resolve_conj().numpy() if hasattr(result, "resolve_conj") else result.numpy())


def assert_same(name: str, dtype: str, *data: list[Any]) -> None:
    expected, actual = answer(torch, name, dtype, *data), answer(assay_reference, name, dtype, *data)
    assert actual[0] == expected[0]
    if isinstance(expected[1], str):
        assert actual[1] == expected[1]
        return
    wanted, got = host(expected[1]), host(actual[1])
    if wanted.dtype.kind in "fc":
        ulps = 4 * float(torch.finfo(expected[1].dtype).eps)
        np.testing.assert_allclose(got, wanted, rtol=ulps, atol=ulps * 1e-3)
        if wanted.dtype.kind == "f" and "float16" not in dtype:
            zeros = wanted == 0
            np.testing.assert_array_equal(np.signbit(got[zeros]), np.signbit(wanted[zeros]))
    else:
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY)
def test_a_function_of_one_tensor_answers_as_pytorch_does(name: str, dtype: str) -> None:
    assert_same(name, dtype, values(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BINARY)
def test_a_function_of_two_tensors_answers_as_pytorch_does(name: str, dtype: str) -> None:
    assert_same(name, dtype, values(dtype), others(dtype))
