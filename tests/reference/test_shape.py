"""Views share memory, in both directions, and gradients follow them."""

from __future__ import annotations

import warnings

import pytest

import assay_reference as torch

VIEWS = (
    "x.view(4, 3)", "x.view(-1)", "x.view(torch.int64)", "x.reshape(2, 6)", "x.t()", "x.transpose(0, 1)",
    "x.permute(1, 0)", "x.swapaxes(0, 1)", "x.movedim(0, 1)", "x.T", "x.mT", "x.H", "x.squeeze()", "x.squeeze(0)",
    "x.squeeze((0, 1))",
    "x.unsqueeze(1)", "x.select(0, 0)", "x.narrow(0, 0, 2)", "x.diagonal()", "x.unfold(0, 2, 1)", "x.split(2)[0]",
    "x.chunk(2, 1)[0]", "x.unbind()[0]", "x.flatten()", "x.expand(2, 3, 4)[0]", "x.view_as(x)", "x.expand_as(x)",
    "x.as_strided((2,), (5,))", "x.unflatten(0, (1, 3))", "x[0]", "x[:2, ::2]", "x[..., None]", "x[...]", "x[:]",
    "x.detach()",
)  # fmt: skip
COPIES = (
    "x.clone()", "x.t().reshape(12)", "x.t().contiguous()", "x.t().flatten()", "x.repeat(1, 1)", "x.flip(0)",
    "x.roll(0)", "x.tril(9)", "x[[0, 1, 2]]", "x[x > -1]", "x[True]", "torch.cat([x])", "torch.stack([x])",
    "x.index_select(0, torch.tensor([0]))", "x.gather(0, torch.tensor([[0]]))", "x.take(torch.tensor([0]))",
    "x.masked_fill(x < 0, 1.)", "x.sort()[0]", "x.sum(())",
)  # fmt: skip


@pytest.mark.parametrize("call", VIEWS)
def test_a_view_and_its_base_see_each_others_writes(call: str) -> None:
    x = torch.arange(12, dtype=torch.float64).reshape(3, 4)
    view = eval(call)

    view.view(torch.int64).fill_(torch.tensor(7.0).double().view(torch.int64).item())
    assert (x == 7).any()
    x.fill_(9.0)
    assert (view.view(torch.float64) == 9).all()
    assert view._version == x._version


@pytest.mark.parametrize("call", COPIES)
def test_a_copy_does_not_see_writes(call: str) -> None:
    x = torch.arange(12.0).reshape(3, 4)
    copy = eval(call)
    before = copy.tolist()

    x.fill_(-9.0)

    assert copy.tolist() == before


def test_contiguous_gives_a_contiguous_tensor_itself() -> None:
    x = torch.ones(2, 3)

    assert x.contiguous() is x
    assert x.t().contiguous().stride() == (2, 1)


def test_flatten_gives_a_vector_itself() -> None:
    x = torch.ones(2)

    assert x.flatten() is x


def test_a_view_of_a_view_has_the_first_as_its_base() -> None:
    x = torch.ones(2, 3)

    assert x.t()[0]._base is x


def test_a_write_to_a_view_of_a_view_is_part_of_the_history_of_the_base() -> None:
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * 1
    y.t()[0].mul_(10)

    y.sum().backward()

    assert y.tolist() == [[10.0, 2.0], [30.0, 4.0]]
    assert x.grad.tolist() == [[10.0, 1.0], [10.0, 1.0]]


def test_a_view_needs_nothing_of_its_base_that_a_write_could_make_stale() -> None:
    x = torch.ones(2, 3, requires_grad=True)
    y = x * 1
    total = y.view(6).expand(2, 6).sum() + y.sum(0).sum() + y[0].sum()
    with torch.no_grad():
        y.mul_(5)

    total.backward()

    assert x.grad.tolist() == [[4.0, 4.0, 4.0], [3.0, 3.0, 3.0]]


def test_parts_of_several_may_not_be_written_to() -> None:
    x = torch.ones(4, requires_grad=True) * 1

    with pytest.raises(RuntimeError, match="is the output of a function that returns multiple views"):
        x.split(2)[0].mul_(2)


def test_overlapping_windows_add_their_gradients_up() -> None:
    x = torch.ones(4, requires_grad=True)

    x.unfold(0, 2, 1).sum().backward()

    assert x.grad.tolist() == [1.0, 2.0, 2.0, 1.0]


def test_steps_are_named_as_pytorch_names_them() -> None:
    x = torch.ones(2, 2, requires_grad=True)
    made = [
        x.view(4),
        x.t(),
        x.T,
        x[0],
        x[1:],
        x[:],
        x[None],
        x[...],
        x[:, 0:],
        x.expand(1, 2, 2),
        x.split(1)[0],
        x.sum(),
        x.sum(0),
        x.max(0)[0],
    ]

    assert [type(each.grad_fn).__name__.removesuffix("0") for each in made] == [
        "ViewBackward", "TBackward", "PermuteBackward", "SelectBackward", "SliceBackward", "SliceBackward",
        "UnsqueezeBackward", "AliasBackward", "AliasBackward", "ExpandBackward", "SplitBackward", "SumBackward",
        "SumBackward1", "MaxBackward",
    ]  # fmt: skip


def test_reversing_the_dimensions_of_what_is_no_matrix_is_deprecated() -> None:
    with pytest.warns(UserWarning, match=r"The use of `x.T` on tensors of dimension other than 2"):
        assert torch.ones(2, 3, 4).T.shape == (4, 3, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.ones(2, 3).T.shape == (3, 2)


def test_elements_that_are_not_there_have_strides() -> None:
    x = torch.empty(3, 0, 2)

    assert (torch.empty(0).stride(), x.stride(), x.permute(2, 0, 1).stride()) == ((1,), (2, 2, 1), (1, 2, 2))
    assert (x.neg().stride(), x.unsqueeze(0).stride(), x.view(0, 5).stride()) == ((2, 2, 1), (6, 2, 2, 1), (5, 1))
    assert torch.empty(1, 0).expand(4, 0).stride() == (0, 1)
    assert torch.empty(2, 3)[:, :0].stride() == (3, 1)


def test_as_strided_sees_all_of_the_memory() -> None:
    x = torch.arange(6)

    assert x[4:].as_strided((3,), (1,), 1).tolist() == [1, 2, 3]
    with pytest.raises(RuntimeError, match="requiring a storage size of 56 are out of bounds for storage of size 48"):
        x.as_strided((2,), (1,), 5)


def test_bits_are_read_as_another_type() -> None:
    assert torch.tensor([1.0]).view(torch.int32).tolist() == [0x3F800000]
    assert torch.tensor([0x3FF0000000000000]).view(torch.float64).tolist() == [1.0]


def test_a_tensor_becomes_its_view_in_place() -> None:
    x = torch.arange(6.0).reshape(2, 3)
    memory = x.data_ptr()

    assert x.t_() is x
    assert x.unsqueeze_(0).squeeze_().transpose_(0, 1) is x
    assert (x.shape, x.stride(), x.data_ptr(), x._version) == ((2, 3), (3, 1), memory, 4)


def test_a_view_in_place_is_part_of_the_history() -> None:
    x = torch.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    y = x * 2
    row = y[0:1]
    row.squeeze_(0)
    row.mul_(torch.tensor([1.0, 10.0, 100.0]))
    y.t_()

    (y[:, 0] * y[:, 0]).sum().backward()

    assert y.tolist() == [[2.0], [40.0], [600.0]]
    assert x.grad.tolist() == [[8.0, 1600.0, 240000.0]]
