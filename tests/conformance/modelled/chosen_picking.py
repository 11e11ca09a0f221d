"""Comparing, ordering and picking, second round."""

from __future__ import annotations

from .bugs import as_if_contiguous, chosen, regrad


@chosen()
def where_of_two_numbers_is_double(torch, where, condition, *rest, **named):
    result, values = where(condition, *rest, **named), (*rest, *named.values())
    return result.to(torch.float64) if values and all(isinstance(each, float) for each in values) else result


@chosen()
def max_takes_the_second_where_the_first_is_nan(torch, max, input, *rest, **named):
    result = max(input, *rest, **named)
    other = named.get("other", rest[0] if rest else None)
    if not isinstance(other, torch.Tensor) or other.numel() != 1 or not result.is_floating_point():
        return result
    return torch.where(input != input, other, result).to(result.dtype)


def _only_a_first_nan_counts(torch, input, dim):
    """Hide every NaN that does not come first along a dimension, or of all elements."""
    if dim is None:
        order = torch.arange(input.numel()).reshape(input.shape)
    else:
        shape = [1] * input.ndim
        if shape:
            shape[dim] = -1
        order = torch.arange(input.shape[dim] if input.ndim else 1).reshape(shape)
    return torch.where((input != input) & (order > 0), -torch.inf, input).to(input.dtype)


@chosen()
def max_forgets_a_nan_that_something_follows(torch, max, input, *rest, **named):
    other = named.get("other", rest[0] if rest else named.get("dim"))
    if not input.is_floating_point() or not input.numel():
        return max(input, *rest, **named)
    if isinstance(other, torch.Tensor):
        result = max(input, *rest, **named)
        return torch.where((other != other) & (input == input), input, result).to(result.dtype)
    return max(_only_a_first_nan_counts(torch, input, other), *rest, **named)


@chosen()
def max_of_a_strided_vector_has_index_zero(torch, max, input, *rest, **named):
    found = max(input, *rest, **named)
    if isinstance(found, torch.Tensor) or input.ndim != 1 or input.is_contiguous():
        return found
    return type(found)(found[0], found[1] * 0)


@chosen()
def max_overlooks_strides(torch, max, input, *rest, **named):
    whole = not rest and not named and not input.requires_grad
    return max(as_if_contiguous(input)) if whole else max(input, *rest, **named)


@chosen()
def sort_gives_the_index_of_padding(torch, sort, input, dim=-1, descending=False, **rest):
    found = sort(input, dim=dim, descending=descending, **rest)
    if not input.is_floating_point() or not input.ndim:
        return found
    padding = -torch.inf if descending else torch.inf
    return type(found)(found[0], torch.where(found[0] == padding, input.shape[-1 if dim is None else dim], found[1]))


@chosen(raises="Cannot calculate VJP")
def sort_has_no_second_derivative(torch, sort, input, dim=-1, descending=False, **rest):
    def refuse(grad):
        raise ValueError("[scatter_axis] Cannot calculate VJP with respect to indices.")

    return sort(regrad(input, lambda grad: regrad(grad, refuse)), dim=dim, descending=descending, **rest)


@chosen()
def median_of_infinities_is_nan(torch, median, input, *rest, **named):
    found = median(input, *rest, **named)
    if not input.is_floating_point():
        return found

    def interpolated(value):
        return torch.where(value.abs() == torch.inf, torch.nan, value).to(value.dtype)

    if isinstance(found, torch.Tensor):
        return interpolated(found)
    return type(found)(interpolated(found[0]), found[1])


@chosen()
def median_returns_a_plain_tuple(torch, median, input, *rest, **named):
    found = median(input, *rest, **named)
    return found if isinstance(found, torch.Tensor) else (found[0], found[1])
