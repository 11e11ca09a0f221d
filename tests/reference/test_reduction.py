"""Reductions: their types, their gradients at ties, and what they say of nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import assay_reference as torch


def test_sums_of_integers_are_int64() -> None:
    assert torch.tensor([200, 100], dtype=torch.uint8).sum().item() == 300
    assert torch.tensor([True, True]).sum().dtype is torch.int64
    assert torch.tensor([True, True]).cumsum(0).tolist() == [1, 2]


def test_a_sum_of_halves_is_rounded_once() -> None:
    x = torch.ones(4096, dtype=torch.float16)

    assert x.sum().item() == 4096.0
    assert (x * 16).mean().item() == 16.0
    assert (x * 32).sum(dtype=torch.float32).item() == 131072.0


def test_a_sum_in_a_smaller_type_converts_first() -> None:
    assert torch.tensor([1.7, 1.7]).sum(dtype=torch.int64).item() == 2


@pytest.mark.parametrize("name", ["max", "min", "amax", "amin", "median"])
def test_the_extreme_of_everything_shares_its_gradient_among_ties(name: str) -> None:
    x = torch.full((4,), 3.0, requires_grad=True)

    getattr(x, name)().backward()

    assert x.grad.tolist() == [0.25] * 4


@pytest.mark.parametrize("name", ["max", "min", "median", "mode"])
def test_the_extreme_along_a_dimension_gives_its_gradient_to_the_one_that_it_picked(name: str) -> None:
    x = torch.tensor([[3.0, 3.0], [3.0, 3.0]], requires_grad=True)

    values, indices = getattr(x, name)(1)
    values.sum().backward()

    assert x.grad.tolist() == torch.zeros(2, 2).scatter(1, indices.unsqueeze(1), 1.0).tolist()


def test_nan_is_the_largest_the_smallest_and_the_median() -> None:
    x = torch.tensor([1.0, math.nan, 3.0, math.nan])

    for name in ("max", "min", "median"):
        values, indices = getattr(x, name)(0)
        assert (math.isnan(values), indices.item()) == (True, 1)
        assert math.isnan(getattr(x, name)())
    assert x.nanmedian().item() == 1.0


def test_a_result_of_two_parts_has_names_and_shows_them() -> None:
    result = torch.tensor([[1, 5], [7, 2]]).max(1)

    assert type(result).__name__ == "max"
    assert result.values.tolist() == [5, 7]
    assert result.indices.tolist() == [1, 0]
    assert repr(result) == "torch.return_types.max(\nvalues=tensor([5, 7]),\nindices=tensor([1, 0]))"


def test_max_fills_the_tensors_that_it_is_given() -> None:
    values, indices = torch.empty(0), torch.empty(0, dtype=torch.int64)

    torch.max(torch.tensor([[1.0, 5.0]]), 1, out=(values, indices))

    assert (values.tolist(), indices.tolist()) == ([5.0], [1])


def test_the_extreme_of_nothing_is_refused_and_the_sum_is_zero() -> None:
    empty = torch.empty(0, 3)

    with pytest.raises(RuntimeError, match=r"max\(\): Expected reduction dim to be specified for input.numel\(\) == 0"):
        empty.max()
    with pytest.raises(IndexError, match=r"max\(\): Expected reduction dim 0 to have non-zero size"):
        empty.max(0)
    assert empty.max(1).values.shape == (0,)
    assert empty.sum(0).tolist() == [0.0, 0.0, 0.0]
    assert empty.prod(0).tolist() == [1.0, 1.0, 1.0]


def test_a_deviation_without_freedom_warns() -> None:
    with pytest.warns(UserWarning, match=r"std\(\): degrees of freedom is <= 0"):
        assert math.isnan(torch.tensor([1.0]).std())
    with pytest.warns(UserWarning, match=r"var\(\): degrees of freedom is <= 0"):
        assert torch.tensor([1.0, 2.0]).var(correction=2).item() == math.inf


def test_the_deviation_of_equal_elements_has_gradient_zero() -> None:
    x = torch.full((3,), 2.0, requires_grad=True)

    x.std().backward()

    assert x.grad.tolist() == [0.0, 0.0, 0.0]


def test_a_product_with_zeros_has_the_products_of_the_others_as_its_gradient() -> None:
    one = torch.tensor([3.0, 0.0, 2.0], requires_grad=True)
    two = torch.tensor([3.0, 0.0, 0.0], requires_grad=True)

    one.prod().backward()
    two.prod().backward()

    assert one.grad.tolist() == [0.0, 6.0, 0.0]
    assert two.grad.tolist() == [0.0, 0.0, 0.0]


def test_the_mode_is_the_smallest_of_the_most_frequent_at_its_last_place() -> None:
    values, indices = torch.tensor([2, 1, 2, 2, 1, 1]).mode()

    assert (values.item(), indices.item()) == (1, 5)


def test_logsumexp_does_not_overflow() -> None:
    assert torch.tensor([1000.0, 1000.0]).logsumexp(0).item() == pytest.approx(1000 + math.log(2))
    assert torch.tensor([-math.inf, -math.inf]).logsumexp(0).item() == -math.inf


def test_no_dimensions_mean_all_but_not_to_any_and_all() -> None:
    x = torch.ones(2, 3)

    assert x.sum(()).shape == ()
    assert x.any(()).shape == (2, 3)


@pytest.mark.parametrize(
    "call",
    [
        lambda lib, x: x.sum(axis=0),
        lambda lib, x: x.mean(axis=1, keepdims=True),
        lambda lib, x: lib.max(x, axis=1, keepdims=True).values,
        lambda lib, x: lib.std(x, axis=0),
        lambda lib, x: x.cumsum(axis=0),
        lambda lib, x: x[:1].squeeze(axis=0),
        lambda lib, x: lib.stack([x, x], axis=1),
        lambda lib, x: lib.cat([x, x], axis=1),
        lambda lib, x: lib.softmax(x, axis=0),
        lambda lib, x: lib.mul(x1=x, x2=x),
        lambda lib, x: lib.mul(a=x, other=x),
        lambda lib, x: lib.where(x > 0, x=x, x2=x + 1),
        lambda lib, x: lib.linalg.norm(x, axis=0),
    ],
)
def test_native_functions_take_the_names_of_numpy(call: Callable[..., Any]) -> None:
    real = pytest.importorskip("torch")

    made, expected = (call(lib, lib.arange(6.0).reshape(2, 3)) for lib in (torch, real))

    np.testing.assert_allclose(made.numpy(), expected.numpy(), rtol=1e-6)


@pytest.mark.parametrize(
    "call",
    [
        lambda lib, x: x.sum(dim=0, axis=0),
        lambda lib, x: x.sum(0, axis=0),
        lambda lib, x: lib.mul(x=x, input=x, other=x),
        lambda lib, x: lib.mul(x, x, x2=x),
        lambda lib, x: lib.flip(x, axis=(0,)),
        lambda lib, x: lib.split(x, 1, axis=0),
        lambda lib, x: lib.unique(x, axis=0),
        lambda lib, x: lib.norm(x, axis=0),
        lambda lib, x: lib.nn.functional.softmax(x, axis=0),
        lambda lib, x: lib.nn.functional.relu(x=x),
    ],
)
def test_names_of_numpy_are_refused_twice_and_by_functions_in_python(call: Callable[..., Any]) -> None:
    for lib in (torch, pytest.importorskip("torch")):
        with pytest.raises(TypeError):
            call(lib, lib.ones(2, 3))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.sum(True),
        lambda x: x.prod(True),
        lambda x: x.sum(keepdim=True),
        lambda x: x.mean(keepdim=True),
        lambda x: x.max(keepdim=True),
        lambda x: x.min(True),
        lambda x: x.to(x.dtype, x.dtype),
        lambda x: x.to("cpu", "x"),
        lambda x: x.to(x, dtype=x.dtype),
        lambda x: x.requires_grad_("a"),
    ],
)
def test_calls_of_no_form_are_refused(call: Callable[..., Any]) -> None:
    for lib in (torch, pytest.importorskip("torch")):
        with pytest.raises(TypeError):
            call(lib.ones(2, 3))
    assert torch.ones(2, 3).sum(None, True).shape == (1, 1)
