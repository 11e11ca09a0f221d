"""torch.nn.functional, by values that a reader can check by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

import assay_reference as torch
from assay_reference.nn import functional as F

inf, nan = math.inf, math.nan
SQUARE = [[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]


def test_a_kernel_slides_over_the_image_unflipped() -> None:
    image, kernel = torch.tensor(SQUARE), torch.tensor([[[[1.0, 0.0], [0.0, -1.0]]]])

    assert F.conv2d(image, kernel).tolist() == [[[-4.0, -4.0], [-4.0, -4.0]]]


def test_strides_holes_and_borders_place_the_kernel() -> None:
    row, kernel = torch.tensor([[1.0, 2.0, 3.0, 4.0]]), torch.tensor([[[1.0, 10.0]]])

    assert F.conv1d(row, kernel, stride=2).tolist() == [[21.0, 43.0]]
    assert F.conv1d(row, kernel, dilation=2).tolist() == [[31.0, 42.0]]
    assert F.conv1d(row, kernel, padding=1).tolist() == [[10.0, 21.0, 32.0, 43.0, 4.0]]
    assert F.conv1d(row, kernel, padding="same").tolist() == [[21.0, 32.0, 43.0, 4.0]]


def test_each_group_sees_its_own_channels() -> None:
    rows, kernels = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[[10.0]], [[100.0]]])

    assert F.conv1d(rows, kernels, groups=2).tolist() == [[10.0, 20.0], [300.0, 400.0]]


def test_a_batch_that_is_convolved_in_parts_is_as_one_in_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    images, kernel = torch.arange(120.0).reshape(5, 2, 3, 4), torch.arange(16.0).reshape(2, 2, 2, 2)
    images.requires_grad_()
    kernel.requires_grad_()
    results = []
    for size in (1, 2**20):
        monkeypatch.setattr("assay_reference.nn.functional.windows.PART", size)
        y = F.conv2d(images, kernel, padding=1)
        results.append([each.tolist() for each in (y, *torch.autograd.grad((y * y).sum(), [images, kernel]))])

    assert results[0] == results[1]


def test_the_largest_of_each_window_is_found_with_its_place() -> None:
    values, indices = F.max_pool2d(torch.tensor(SQUARE), 2, stride=1, return_indices=True)

    assert values.tolist() == [[[5.0, 6.0], [8.0, 9.0]]]
    assert indices.tolist() == [[[4, 5], [7, 8]]]


def test_nan_is_the_largest_and_of_equals_the_first_counts() -> None:
    _, of_nan = F.max_pool1d(torch.tensor([[nan, 1.0, nan]]), 3, return_indices=True)
    _, of_equals = F.max_pool1d(torch.tensor([[2.0, 2.0, 1.0]]), 3, return_indices=True)

    assert (of_nan.item(), of_equals.item()) == (2, 0)


def test_nothing_is_chosen_from_the_border() -> None:
    values, indices = F.max_pool1d(torch.full((1, 2), -inf), 2, stride=2, padding=1, return_indices=True)

    assert values.tolist() == [[-inf, -inf]]
    assert indices.tolist() == [[0, 1]]


def test_an_element_that_several_windows_choose_gets_all_their_gradients() -> None:
    row = torch.tensor([[1.0, 5.0, 2.0]], requires_grad=True)
    F.max_pool1d(row, 2, stride=1).sum().backward()

    assert row.grad.tolist() == [[0.0, 2.0, 0.0]]


def test_ceil_mode_keeps_a_last_window_that_begins_inside() -> None:
    row = torch.tensor([[1.0, 2.0, 3.0]])

    assert F.max_pool1d(row, 2).tolist() == [[2.0]]
    assert F.max_pool1d(row, 2, ceil_mode=True).tolist() == [[2.0, 3.0]]


def test_the_border_counts_in_an_average_unless_it_is_told_not_to() -> None:
    row = torch.tensor([[2.0, 4.0]])

    assert F.avg_pool1d(row, 2, padding=1).tolist() == [[1.0, 2.0]]
    assert F.avg_pool1d(row, 2, padding=1, count_include_pad=False).tolist() == [[2.0, 4.0]]


@pytest.mark.parametrize(
    ("mode", "wide"),
    [("constant", [0, 0, 1, 2, 3, 0]), ("reflect", [3, 2, 1, 2, 3, 2]), ("replicate", [1, 1, 1, 2, 3, 3]),
     ("circular", [2, 3, 1, 2, 3, 1])],
)  # fmt: skip
def test_borders_are_made_of_zeros_or_of_the_input(mode: str, wide: list[int]) -> None:
    assert F.pad(torch.tensor([[1.0, 2.0, 3.0]]), (2, 1), mode).tolist() == [wide]


def test_a_negative_border_takes_away() -> None:
    assert F.pad(torch.tensor([1.0, 2.0, 3.0]), (-1, 1)).tolist() == [2.0, 3.0, 0.0]


def test_a_batch_is_normalised_by_its_biased_variance_and_remembered_by_the_unbiased() -> None:
    mean, var = torch.zeros(1), torch.ones(1)
    y = F.batch_norm(torch.tensor([[1.0], [3.0]]), mean, var, training=True, eps=1e-12)

    assert y.tolist() == [[-1.0], [1.0]]
    assert mean.tolist() == pytest.approx([0.2])
    assert var.tolist() == pytest.approx([1.1])


def test_dropout_scales_what_it_keeps_and_the_gradient_with_it() -> None:
    x = torch.ones(1000, requires_grad=True)
    y = F.dropout(x, 0.75)
    y.sum().backward()

    assert set(y.tolist()) == {0.0, 4.0}
    assert x.grad.tolist() == y.tolist()


def test_dropout_does_nothing_in_evaluation() -> None:
    x = torch.ones(3)

    assert F.dropout(x, 0.9, training=False) is x


def test_rows_that_are_looked_up_are_shortened_in_the_table() -> None:
    table = torch.tensor([[3.0, 4.0], [30.0, 40.0], [0.3, 0.4]])
    rows = F.embedding(torch.tensor([0, 2]), table, max_norm=1.0)

    assert rows.flatten().tolist() == pytest.approx([0.6, 0.8, 0.3, 0.4])
    assert table[1].tolist() == [30.0, 40.0]
    assert torch.equal(rows[0], table[0])


def test_frequent_rows_share_their_gradient_and_the_padding_row_gets_none() -> None:
    table = torch.zeros(3, 1, requires_grad=True)
    F.embedding(torch.tensor([0, 1, 1, 2]), table, padding_idx=0, scale_grad_by_freq=True).sum().backward()

    assert table.grad.tolist() == [[0.0], [1.0], [1.0]]


def test_softmax_of_large_numbers_does_not_overflow() -> None:
    assert F.softmax(torch.tensor([1000.0, 1000.0, -inf]), 0).tolist() == [0.5, 0.5, 0.0]
    assert F.log_softmax(torch.tensor([1000.0, -inf]), 0).tolist() == [0.0, -inf]


def test_an_ignored_target_has_no_part_in_the_loss_even_if_its_score_is_infinite() -> None:
    scores = torch.tensor([[inf, 0.0], [-2.0, 0.0]], requires_grad=True)
    loss = F.nll_loss(scores, torch.tensor([-100, 0]))
    loss.backward()

    assert loss.item() == 2.0
    assert scores.grad.tolist() == [[0.0, 0.0], [-1.0, 0.0]]


def test_the_mean_of_a_weighted_loss_is_over_the_weights() -> None:
    scores = torch.tensor([[-1.0, 0.0], [0.0, -5.0]])

    assert F.nll_loss(scores, torch.tensor([0, 1]), weight=torch.tensor([1.0, 3.0])).item() == 4.0


def test_label_smoothing_is_the_loss_of_smoothed_probabilities() -> None:
    scores = torch.tensor([[1.0, 2.0, 4.0]])
    smoothed = F.cross_entropy(scores, torch.tensor([[0.1, 0.1, 0.8]]))

    assert F.cross_entropy(scores, torch.tensor([2]), label_smoothing=0.3).item() == pytest.approx(smoothed.item())


@pytest.mark.parametrize(
    ("flags", "reduction"),
    [({"size_average": True}, "mean"), ({"size_average": False}, "sum"), ({"reduce": False}, "none")],
)
def test_the_flags_that_reduction_replaced_still_count_and_warn(flags: dict[str, bool], reduction: str) -> None:
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([0.0, 4.0])
    with pytest.warns(UserWarning) as caught:
        loss = F.mse_loss(x, y, **flags)

    assert loss.tolist() == F.mse_loss(x, y, reduction=reduction).tolist()
    assert str(caught[0].message) == (
        f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead."
    )


def test_a_target_of_another_size_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="Using a target size") as caught:
        F.mse_loss(torch.ones(2, 3), torch.ones(3))

    assert str(caught[0].message) == (
        "Using a target size (torch.Size([3])) that is different to the input size (torch.Size([2, 3])). This will "
        "likely lead to incorrect results due to broadcasting. Please ensure they have the same size."
    )


def test_a_softmax_without_a_dimension_is_warned_of() -> None:
    with pytest.warns(UserWarning) as caught:
        result = torch.nn.Softmax()(torch.ones(2, 2))

    assert result.tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert str(caught[0].message) == (
        "Implicit dimension choice for softmax has been deprecated. Change the call to include dim=X as an argument."
    )


HALF: dict[str, Any] = {
    "conv2d": lambda t: F.conv2d(t(1, 256, 1, 1), t(1, 256, 1, 1)),
    "linear": lambda t: F.linear(t(1, 256), t(1, 256)),
    "avg_pool2d": lambda t: F.avg_pool2d(t(1, 16, 16), 16) * 256,
    "mse_loss": lambda t: F.mse_loss(t(256), 0 * t(256), reduction="sum"),
}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", HALF)
def test_half_types_are_summed_in_single_precision(name: str, dtype: Any) -> None:
    """A sum of 256 ones and a small part each stays at 256 where it is rounded at each step."""
    whole = HALF[name](lambda *shape: torch.full(shape, 1.0078125, dtype=dtype))
    exact = HALF[name](lambda *shape: torch.full(shape, 1.0078125, dtype=torch.float64))

    assert whole.dtype is dtype
    assert whole.item() == exact.to(dtype).item()


def test_a_loss_of_a_distance_is_a_formula_and_its_slope() -> None:
    x, y = torch.tensor([0.0, 4.0], requires_grad=True), torch.zeros(2, requires_grad=True)

    loss = F.huber_loss(x, y, reduction="sum", delta=2.0)
    loss.backward()

    assert loss.item() == 6.0
    assert (x.grad.tolist(), y.grad.tolist()) == ([0.0, 2.0], [0.0, -2.0])
