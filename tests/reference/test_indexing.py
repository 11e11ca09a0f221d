"""Elements by their indices, read and written, with gradients."""

from __future__ import annotations

import pytest

import assay_reference as torch


def test_repeated_indices_add_their_gradients_up() -> None:
    x = torch.zeros(3, requires_grad=True)

    x[[0, 0, 2]].backward(torch.tensor([1.0, 2.0, 4.0]))

    assert x.grad.tolist() == [3.0, 0.0, 4.0]


def test_indices_with_others_between_them_put_the_result_in_front() -> None:
    x = torch.zeros(2, 3, 4)

    assert x[:, [0, 1, 2], [0, 1, 2]].shape == (2, 3)
    assert x[[0, 1], :, [0, 1]].shape == (2, 3)
    assert x[[[0], [1]], :, 0].shape == (2, 1, 3)


def test_an_integer_is_taken_before_the_tensors_are_lined_up() -> None:
    assert torch.zeros(2, 3, 4)[0, :, [0, 2]].shape == (3, 2)


def test_an_assignment_takes_the_gradient_of_what_it_overwrites() -> None:
    x = torch.ones(3, requires_grad=True)
    value = torch.tensor(5.0, requires_grad=True)
    y = x * 2
    y[1] = value

    y.sum().backward()

    assert y.tolist() == [2.0, 5.0, 2.0]
    assert x.grad.tolist() == [2.0, 0.0, 2.0]
    assert value.grad.item() == 1.0


def test_an_assignment_by_mask_takes_the_gradient_of_what_it_overwrites() -> None:
    x = torch.tensor([1.0, -1.0, -2.0], requires_grad=True)
    values = torch.tensor([7.0, 8.0], requires_grad=True)
    y = x * 1
    y[x < 0] = values

    (y * torch.tensor([1.0, 2.0, 3.0])).sum().backward()

    assert y.tolist() == [1.0, 7.0, 8.0]
    assert x.grad.tolist() == [1.0, 0.0, 0.0]
    assert values.grad.tolist() == [2.0, 3.0]


def test_an_assignment_through_views_reaches_the_base() -> None:
    x = torch.zeros(2, 3)

    x.t()[1, [0, 1]] = torch.tensor([4.0, 5.0])
    x[0, ::2] += 1

    assert x.tolist() == [[1.0, 4.0, 1.0], [0.0, 5.0, 0.0]]


def test_a_leaf_that_requires_grad_may_not_be_assigned_to() -> None:
    x = torch.zeros(2, requires_grad=True)

    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad"):
        x[0] = 1.0


def test_a_failed_assignment_changes_nothing() -> None:
    x = torch.zeros(3)

    with pytest.raises(IndexError, match="index 7 is out of bounds for dimension 0 with size 3"):
        x[[0, 7]] = 1.0
    with pytest.raises(RuntimeError, match="Index put requires the source and destination dtypes match"):
        x[[0, 1]] = torch.tensor([1, 2])

    assert x.tolist() == [0.0, 0.0, 0.0]
    assert x._version == 0


def test_bytes_are_masks_still() -> None:
    mask = torch.tensor([1, 0, 1], dtype=torch.uint8)

    with pytest.warns(UserWarning, match="indexing with dtype torch.uint8 is now deprecated"):
        assert torch.arange(3)[mask].tolist() == [0, 2]


def test_rows_are_iterated_over() -> None:
    assert [row.tolist() for row in torch.tensor([[1, 2], [3, 4]])] == [[1, 2], [3, 4]]


def test_scatter_is_the_opposite_of_gather() -> None:
    index = torch.tensor([[2, 0], [1, 1]])
    values = torch.tensor([[5.0, 6.0], [7.0, 8.0]])

    assert torch.zeros(2, 3).scatter(1, index, values).gather(1, index).tolist() == [[5.0, 6.0], [8.0, 8.0]]
    assert torch.zeros(2, 3).scatter_add(1, index, values).tolist() == [[6.0, 0.0, 5.0], [0.0, 15.0, 0.0]]


def test_indices_of_gather_are_counted_from_the_front_only() -> None:
    with pytest.raises(RuntimeError, match="index -1 is out of bounds for dimension 0 with size 3"):
        torch.arange(3).gather(0, torch.tensor([-1]))


def test_masked_fill_takes_the_gradient_where_it_writes() -> None:
    x = torch.ones(3, requires_grad=True)
    value = torch.tensor(5.0, requires_grad=True)

    x.masked_fill(torch.tensor([True, False, True]), value).sum().backward()

    assert x.grad.tolist() == [0.0, 1.0, 0.0]
    assert value.grad.item() == 2.0
