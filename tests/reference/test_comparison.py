"""Tensors compared as wholes, and elements in order of size."""

from __future__ import annotations

import math

import pytest

import assay_reference as torch


def test_equal_compares_shapes_and_elements_but_not_types() -> None:
    assert torch.equal(torch.tensor([1, 2]), torch.tensor([1.0, 2.0]))
    assert not torch.equal(torch.tensor([1]), torch.tensor(1))
    assert not torch.equal(torch.tensor([math.nan]), torch.tensor([math.nan]))


def test_sort_puts_nan_last_and_first_when_descending() -> None:
    x = torch.tensor([3.0, math.nan, 1.0])

    assert x.sort().indices.tolist() == [2, 0, 1]
    assert x.sort(descending=True).indices.tolist() == [1, 0, 2]


def test_sort_keeps_the_order_of_equal_elements_in_both_directions() -> None:
    x = torch.tensor([1, 0, 1, 0])

    assert x.sort(stable=True).indices.tolist() == [1, 3, 0, 2]
    assert x.sort(stable=True, descending=True).indices.tolist() == [0, 2, 1, 3]


def test_sort_sends_each_gradient_back_where_its_element_was() -> None:
    x = torch.tensor([3.0, 1.0, 2.0], requires_grad=True)

    x.sort().values.backward(torch.tensor([10.0, 20.0, 30.0]))

    assert x.grad.tolist() == [30.0, 10.0, 20.0]


def test_topk_gives_the_largest_in_order() -> None:
    x = torch.tensor([[1, 9, 5], [7, 2, 8]])

    values, indices = x.topk(2)

    assert values.tolist() == [[9, 5], [8, 7]]
    assert indices.tolist() == [[1, 2], [2, 0]]
    assert x.topk(1, 0, largest=False).values.tolist() == [[1, 2, 5]]


def test_topk_refuses_more_than_there_are() -> None:
    with pytest.raises(RuntimeError, match="selected index k out of range"):
        torch.arange(3).topk(4)


def test_kthvalue_counts_from_one() -> None:
    x = torch.tensor([9.0, 3.0, 7.0], requires_grad=True)

    values, indices = x.kthvalue(2)
    values.backward()

    assert (values.item(), indices.item()) == (7.0, 2)
    assert x.grad.tolist() == [0.0, 0.0, 1.0]


def test_isclose_measures_by_the_second() -> None:
    x, y = torch.tensor([1.0, math.inf, 0.0]), torch.tensor([1.0 + 1e-6, math.inf, 1e-7])

    assert torch.isclose(x, y).tolist() == [True, True, False]
    assert not torch.allclose(x, y)
    assert torch.allclose(x, y, atol=1e-6)
