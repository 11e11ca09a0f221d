"""Shapes, indices, views and what tensors show of themselves, second round."""

from __future__ import annotations

from unittest import mock

from .bugs import as_if_contiguous, chosen


@chosen()
def split_copies(torch, split, *args, **named):
    return tuple(part.clone() for part in split(*args, **named))


def _assignment(torch, written):
    """Patch x[index] = value: `written` takes the right method and what it is called with."""
    right = torch.Tensor.__setitem__

    def setitem(self, index, value):
        written(right, self, index, value)

    return mock.patch.object(torch.Tensor, "__setitem__", setitem)


@chosen(everywhere=True)
def expand_is_written_to_in_one_place(torch):
    def written(right, self, index, value):
        if any(size > 1 and not stride for size, stride in zip(self.shape, self.stride(), strict=True)):
            self.data = self.detach().contiguous()
        right(self, index, value)

    return _assignment(torch, written)


@chosen()
def contiguous_copies_by_the_wrong_stride(torch, contiguous, input, **rest):
    stored = input.untyped_storage().nbytes() // input.itemsize
    column = input.ndim and input.stride(-1) != 1 and stored > input.numel()
    if input.is_contiguous() or not column or input.requires_grad:
        return contiguous(input, **rest)
    return contiguous(as_if_contiguous(input), **rest).clone()


@chosen(everywhere=True)
def item_forgets_the_offset(torch):
    right = torch.Tensor.item

    def item(self):
        return right(self.detach().as_strided((), (), 0) if self.numel() == 1 else self)

    return mock.patch.object(torch.Tensor, "item", item)


@chosen(everywhere=True)
def setitem_by_an_integer_is_lost(torch):
    def written(right, self, index, value):
        if type(index) is not int:
            right(self, index, value)

    return _assignment(torch, written)


@chosen(everywhere=True)
def setitem_by_parted_tensors_transposes(torch):
    def written(right, self, index, value):
        parts = index if isinstance(index, tuple) else (index,)
        tensors = [place for place, part in enumerate(parts) if isinstance(part, (list, torch.Tensor))]
        parted = len(tensors) > 1 and tensors[-1] - tensors[0] >= len(tensors)
        if parted and tensors[0] and getattr(value, "ndim", 0) > tensors[0]:
            value = value.movedim(tensors[0], 0)
        right(self, index, value)

    return _assignment(torch, written)


@chosen(everywhere=True)
def setitem_cuts_a_view_off(torch):
    def written(right, self, index, value):
        if self._base is not None:
            self.data = self.detach().clone()
        right(self, index, value)

    return _assignment(torch, written)


@chosen(everywhere=True)
def tensor_takes_ragged_lists(torch):
    right = torch.tensor

    def tensor(data, *rest, **named):
        try:
            return right(data, *rest, **named)
        except (TypeError, ValueError) as error:
            if "sequence" not in str(error):
                raise
            return torch.zeros(len(data), max(len(row) if isinstance(row, (list, tuple)) else 1 for row in data))

    return mock.patch.object(torch, "tensor", tensor)


@chosen(everywhere=True)
def repr_of_a_number_is_empty(torch):
    right = torch.Tensor.__repr__
    return mock.patch.object(
        torch.Tensor, "__repr__", lambda self, **rest: right(self, **rest) if self.ndim else "tensor([])"
    )
