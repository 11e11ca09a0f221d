"""Ordering, picking, shapes, views and products, third round."""

from __future__ import annotations

from unittest import mock

from .bugs import as_if_contiguous, chosen
from .chosen_shape import _assignment

TILE = 32


@chosen()
def min_ignores_nan(torch, min, input, *rest, **named):
    found = min(input, *rest, **named)
    other = named.get("other", rest[0] if rest else named.get("dim"))
    if isinstance(other, torch.Tensor) or not input.is_floating_point():
        return found
    nan = input.detach() != input.detach()
    numbers = torch.where(nan, torch.inf, input).to(input.dtype)
    if other is None:
        return found if bool(nan.all()) else min(numbers)
    least, none = min(numbers, *rest, **named), nan.all(*rest, **named)
    return type(found)(torch.where(none, found[0], least[0]), torch.where(none, found[1], least[1]))


@chosen()
def max_sees_the_zeros_of_its_padding(torch, max, input, *rest, **named):
    found = max(input, *rest, **named)
    other = named.get("other", rest[0] if rest else named.get("dim"))
    if isinstance(other, torch.Tensor) or not input.is_floating_point() or not input.ndim:
        return found
    if other is None:
        return found.clamp(min=0) if any(size % TILE for size in input.shape[-2:]) else found
    padded = other % input.ndim >= input.ndim - 2 and input.shape[other] % TILE
    return type(found)(found[0].clamp(min=0), found[1]) if padded else found


@chosen()
def sort_of_a_long_row_has_index_zero(torch, sort, input, dim=-1, descending=False, **rest):
    found = sort(input, dim=dim, descending=descending, **rest)
    if not input.ndim or dim % input.ndim != input.ndim - 1 or input.shape[-1] <= 1024:
        return found
    first = torch.zeros_like(found[1])
    return type(found)(input.gather(-1, first), first)


@chosen(forms=("out",))
def topk_writes_to_strided_tensors_as_if_contiguous(torch, topk, input, k, *rest, out=None, **named):
    if input.ndim != 1 or any(each.shape != (k,) for each in out):
        return topk(input, k, *rest, out=out, **named)
    right, before = torch.topk(input, k, *rest, **named), [each.clone() for each in out]
    answer = topk(input, k, *rest, out=out, **named)
    for target, old, value in zip(answer, before, right, strict=True):
        target.copy_(old)
        as_if_contiguous(target).copy_(value)
    return answer


@chosen()
def cat_reads_a_strided_first_as_if_contiguous(torch, cat, tensors, dim=0):
    first, *others = tensors
    copied = dim == 0 and all(each.is_contiguous() for each in others)
    return cat([as_if_contiguous(first), *others], dim) if copied else cat(tensors, dim)


@chosen()
def repeat_puts_copies_into_padding(torch, repeat, input, *repeats):
    result = repeat(input, *repeats)
    for axis in (-2, -1):
        if result.ndim < -axis:
            continue
        size = input.shape[axis] if input.ndim >= -axis else 1
        if result.shape[axis] > size and size % TILE:
            shape = [1] * result.ndim
            shape[axis] = -1
            first = (torch.arange(result.shape[axis]) < size).reshape(shape)
            result = torch.where(first, result, torch.zeros_like(result))
    return result


@chosen(everywhere=True)
def setitem_counts_new_dimensions(torch):
    def written(right, self, index, value):
        parts, axis = list(index) if isinstance(index, tuple) else [index], 0
        if not all(part is None or isinstance(part, slice) or type(part) is int for part in parts):
            right(self, index, value)
            return
        for place, part in enumerate(parts):
            if part is None:
                continue
            if type(part) is int and part < 0 and place != axis:
                counted = part + self.shape[place] if place < self.ndim else self.shape[axis]
                if not 0 <= counted < self.shape[axis]:
                    return
                parts[place] = counted
            axis += 1
        right(self, tuple(parts) if isinstance(index, tuple) else index, value)

    return _assignment(torch, written)


@chosen(everywhere=True)
def data_reaches_views(torch):
    right = torch.Tensor.data

    def assigned(self, new):
        alike = isinstance(new, torch.Tensor) and (new.shape, new.dtype) == (self.shape, self.dtype)
        if alike and new.layout == self.layout == torch.strided:
            right.fget(self).copy_(new.detach().clone())
        right.fset(self, new)

    return mock.patch.object(torch.Tensor, "data", property(right.fget, assigned))


@chosen()
def matmul_by_a_strided_column_reads_on(torch, matmul, input, other):
    column = other.ndim == 2 and other.shape[1] == 1
    return matmul(input, as_if_contiguous(other) if column else other)


@chosen()
def cross_without_dim_takes_the_first(torch, cross, input, other, dim=None):
    if dim is not None:
        return cross(input, other, dim)
    cross(input, other)

    def turned(tensor, by):
        places = [(place + by) % 3 for place in range(3)]
        return torch.stack([tensor[min(place, tensor.shape[0] - 1)] for place in places])

    return turned(input, 1) * turned(other, 2) - turned(input, 2) * turned(other, 1)


@chosen()
def inverse_of_sixteen_rows_is_wrong(torch, inverse, input):
    result = inverse(input)
    return result.roll(1, -1) if input.shape[-1] > 15 else result
