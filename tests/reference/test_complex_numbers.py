"""Complex numbers against real PyTorch: functions, their gradients, and the gradients of these."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import assay_reference

torch = pytest.importorskip("torch")

CALLS = Path(__file__).parent / "calls"
INF, NAN = float("inf"), float("nan")
Z = [1 + 2j, 3j, -1 - 0.5j, 0j, -2 + 0j]
X = [1.0, -2.0, 0.0, -0.0, 3.0]
Y = [0.5, 2.0, -1.0, 3.0, 1.0]


def lines(name: str) -> list[str]:
    return (CALLS / f"{name}.txt").read_text().splitlines()


def answer(library: Any, call: str, z: Any, x: Any, y: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval(call, {"torch": library, "t": library.tensor, "z": z, "x": x, "y": y, "nan": NAN, "inf": INF})


def host(value: Any) -> Any:
    return value.detach().clone().resolve_conj().resolve_neg().numpy() if hasattr(value, "detach") else value


def outcome(library: Any, call: str) -> Any:
    """Return the result of a call, or what it raises in words."""
    try:
        return host(answer(library, call, *map(library.tensor, (Z, X, Y))))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("call", lines("complex"))
def test_a_call_gives_what_pytorch_gives(call: str) -> None:
    actual, expected = outcome(assay_reference, call), outcome(torch, call)
    if isinstance(expected, np.ndarray):
        assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
        np.testing.assert_allclose(actual, expected, rtol=1e-6)
    else:
        assert actual == expected


def derivatives(library: Any, call: str) -> list[Any]:
    """Return the gradients of the inputs, and the gradients of their sizes, also with respect to what flows in."""
    inputs = [
        library.tensor(data, dtype=getattr(library, dtype), requires_grad=True)
        for data, dtype in ((Z, "complex128"), (X, "float64"), (Y, "float64"))
    ]
    result = answer(library, call, *inputs)
    weights = library.arange(1.0, result.numel() + 1, dtype=library.float64).reshape(result.shape)
    upstream = (weights * (1 + 2j) if result.is_complex() else weights).requires_grad_()
    first = library.autograd.grad(result, inputs, upstream, create_graph=True, allow_unused=True)
    sizes = sum((each * (each.detach().conj() + 1)).real.sum() for each in first if each is not None)
    second = library.autograd.grad(sizes, [*inputs, upstream], allow_unused=True)
    return [None if each is None else host(each) for each in (*first, *second)]


@pytest.mark.parametrize("call", lines("complex_gradients"))
def test_first_and_second_derivatives_are_those_of_pytorch(call: str) -> None:
    for actual, expected in zip(derivatives(assay_reference, call), derivatives(torch, call), strict=True):
        if actual is None or expected is None:
            assert not np.any(0 if actual is None else actual) and not np.any(0 if expected is None else expected)
        else:
            np.testing.assert_allclose(actual, expected, rtol=1e-7, atol=1e-8)


def test_writing_a_part_leaves_the_other() -> None:
    z = assay_reference.tensor([1 + 2j, 3j])

    z.real = 5.0
    z.imag = assay_reference.tensor([7.0, 8.0])

    assert z.tolist() == [5 + 7j, 5 + 8j]


def test_what_has_no_imaginary_part_cannot_be_given_one() -> None:
    with pytest.raises(RuntimeError, match=r"^imag is not implemented for tensors with non-complex dtypes\.$"):
        assay_reference.tensor([1.0]).imag = 1.0
