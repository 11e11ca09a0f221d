"""Shapes, indexing, joining, reductions, order and linear algebra against real PyTorch, call by call.

Each line of a file in calls/ is one call, made in both libraries. In gradients.txt and kinks.txt the data stand before
the call.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import assay_reference

torch = pytest.importorskip("torch")

CALLS = Path(__file__).parent / "calls"
CONSTANTS = {"inf": float("inf"), "nan": float("nan"), "np": np}
DTYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64",
    "complex128",
)  # fmt: skip
OF_ANY_DTYPE = (
    "x.sum()", "x.sum(0)", "x.mean(1)", "x.std()", "x.var(0)", "x.prod()", "x.prod(1)", "x.max()", "x.min(0)",
    "x.amax(0)", "x.amin((0, 1))", "x.argmax(1)", "x.argmin()", "x.all()", "x.any(0)", "x.median()", "x.median(1)[0]",
    "x.nanmedian(1)[0]", "x.mode(1)[0]", "x.cumsum(1)", "x.cumprod(0)", "x.logsumexp(1)", "x.norm()", "x.norm(1, 0)",
    "x.count_nonzero(1)", "x.sort(dim=1, stable=True)", "x.topk(2)[0]", "x.kthvalue(2)[0]", "torch.equal(x, x)",
    "torch.isclose(x, x)", "torch.cat([x, x])", "torch.cat([x, x.float()])", "torch.stack([x, x], 1)", "x.repeat(2, 1)",
    "x.flip(0)", "x.roll(1, 0)", "x.tril()", "x.t()", "x.view(-1)", "x[1, 1:]", "x[[0, 0]]", "x[x == 3]",
    "x.gather(1, torch.tensor([[2], [0]]))", "x.scatter_add(1, torch.tensor([[2], [0]]), x)",
    "x.index_select(1, torch.tensor([2, 0]))", "x.index_add(0, torch.tensor([1, 1]), x)", "x.take(torch.tensor([-1]))",
    "x.masked_fill(x == 3, 1)", "torch.nonzero(x)", "torch.mm(x, x.t())", "torch.matmul(x, x[0])",
    "torch.dot(x[0], x[1])",
    "torch.bmm(x[None], x.t()[None])", "torch.addmm(x[:, :2], x, x.t(), beta=2, alpha=3)", "torch.outer(x[0], x[1])",
    "torch.inverse(x[:, :2])", "torch.det(x[:, 1:])",
)  # fmt: skip


def calls(*names: str) -> list[str]:
    return [line for name in names for line in (CALLS / f"{name}.txt").read_text().splitlines()]


def answer(library: Any, call: str, **names: Any) -> Any:
    """Make a call; return the result, or what it raises in words."""
    a = library.arange(24.0).reshape(2, 3, 4)
    given = {"a": a, "z": library.tensor(5.0), "e": library.empty(0), "i": library.arange(6), **CONSTANTS, **names}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return eval(call, {"torch": library, "T": library.tensor, **given})
        except Exception as error:
            return f"{type(error).__name__}: {error}"


def host(tensor: Any) -> np.ndarray[Any, Any]:
    tensor = tensor.detach()
    return np.asarray((tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy(force=True))


def assert_same(actual: Any, expected: Any) -> None:
    """Compare two answers: dtypes, shapes and numbers of tensors, parts of tuples, texts of the rest."""
    if isinstance(expected, torch.Tensor):
        assert isinstance(actual, assay_reference.Tensor), actual
        assert (str(actual.dtype), tuple(actual.shape)) == (str(expected.dtype), tuple(expected.shape))
        wanted = host(expected)
        exact = wanted.dtype.kind not in "fc"
        rtol = 0.0 if exact else 8 * torch.finfo(expected.dtype).eps
        np.testing.assert_allclose(host(actual), wanted, rtol=rtol, atol=rtol)
    elif isinstance(expected, tuple):
        assert type(actual).__name__ == type(expected).__name__
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            assert_same(one, other)
    else:
        assert str(actual) == str(expected)


@pytest.mark.parametrize("call", calls("shape", "joining", "indexing", "reduction", "comparison", "linalg"))
def test_a_call_gives_what_pytorch_gives(call: str) -> None:
    assert_same(answer(assay_reference, call), answer(torch, call))


@pytest.mark.parametrize("call", calls("shape"))
def test_views_have_the_strides_of_pytorch(call: str) -> None:
    expected, actual = answer(torch, call), answer(assay_reference, call)
    if isinstance(expected, torch.Tensor) and expected.numel():
        assert actual.stride() == expected.stride()
        assert actual.storage_offset() == expected.storage_offset()


def written(library: Any, statement: str) -> Any:
    x = library.arange(6.0)
    names = {"torch": library, "T": library.tensor, "x": x, **CONSTANTS}
    try:
        exec(statement, names)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return x


@pytest.mark.parametrize("statement", calls("writing"))
def test_a_write_changes_what_pytorch_changes(statement: str) -> None:
    assert_same(written(assay_reference, statement), written(torch, statement))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("call", OF_ANY_DTYPE)
def test_a_call_of_any_dtype_gives_what_pytorch_gives(call: str, dtype: str) -> None:
    data = [[3, 1, 3], [0, 2, 1]]
    given = [library.tensor(data, dtype=getattr(library, dtype)) for library in (assay_reference, torch)]
    assert_same(answer(assay_reference, call, x=given[0]), answer(torch, call, x=given[1]))


def gradients(library: Any, line: str) -> tuple[Any, Any]:
    """Return the gradient of a weighted sum of the results, and the gradient of that one's square."""
    data, call = line.split(" :: ")
    x = library.tensor(eval(data, CONSTANTS), dtype=library.float64, requires_grad=True)
    y = answer(library, call, x=x)
    assert isinstance(y, library.Tensor), y
    weights = (library.arange(y.numel()) + 1).to(y.dtype).reshape(y.shape)
    (first,) = library.autograd.grad(y, x, weights, create_graph=True)
    if not first.requires_grad:
        return first, library.zeros_like(first)
    (second,) = library.autograd.grad((first * first).sum(), x, allow_unused=True)
    return first, library.zeros_like(first) if second is None else second


@pytest.mark.parametrize("line", calls("gradients", "kinks"))
def test_gradients_are_those_of_pytorch(line: str) -> None:
    actual, expected = gradients(assay_reference, line), gradients(torch, line)
    np.testing.assert_allclose(host(actual[0]), host(expected[0]), rtol=1e-9, atol=1e-9)
    known = ~np.isnan(host(expected[1]))
    np.testing.assert_allclose(host(actual[1])[known], host(expected[1])[known], rtol=1e-6, atol=1e-6)
