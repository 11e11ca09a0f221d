"""Tensors joined, repeated and reordered."""

from __future__ import annotations

import pytest

import assay_reference as torch


def test_cat_lets_an_empty_vector_go_with_any_shape() -> None:
    x = torch.ones(2, 3, requires_grad=True)

    joined = torch.cat([torch.empty(0), x, x], 1)
    joined.sum().backward()

    assert joined.shape == (2, 6)
    assert x.grad.tolist() == [[2.0] * 3] * 2


def test_cat_promotes_and_gives_each_gradient_its_own_type() -> None:
    half = torch.ones(1, dtype=torch.float16, requires_grad=True)
    double = torch.ones(1, dtype=torch.float64, requires_grad=True)

    joined = torch.cat([half, double])
    joined.sum().backward()

    assert joined.dtype is torch.float64
    assert (half.grad.dtype, double.grad.dtype) == (torch.float16, torch.float64)


def test_cat_of_transposed_matrices_lies_in_order() -> None:
    x = torch.arange(6).reshape(2, 3).t()

    assert torch.cat([x, x]).stride() == (2, 1)
    assert torch.cat([x, x]).tolist() == [[0, 3], [1, 4], [2, 5]] * 2


def test_cat_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"torch.cat\(\): expected a non-empty list of Tensors"):
        torch.cat([])


def test_stack_makes_a_new_dimension_where_it_is_asked_to() -> None:
    x, y = torch.tensor([1, 2]), torch.tensor([3, 4])

    assert torch.stack([x, y]).tolist() == [[1, 2], [3, 4]]
    assert torch.stack([x, y], -1).tolist() == [[1, 3], [2, 4]]


def test_repeat_repeats_the_whole_tensor() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)

    repeated = x.repeat(2, 2)
    repeated.backward(torch.tensor([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]))

    assert repeated.tolist() == [[1.0, 2.0, 1.0, 2.0]] * 2
    assert x.grad.tolist() == [16.0, 20.0]


def test_tril_in_place_clears_what_is_above_the_diagonal() -> None:
    x = torch.ones(2, 3)

    assert x.tril_() is x
    assert x.tolist() == [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]
