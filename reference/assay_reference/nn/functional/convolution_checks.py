"""What convolutions refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay_reference.core.tensor import Tensor
from assay_reference.nn.functional.windows import Steps, Sweep, numbers, reach


def per_dim(name: str, values: Any, dims: int, weight: Tensor) -> Steps:
    """Return one number for each dimension that the weight slides over."""
    if weight.ndim < 3:
        raise RuntimeError("weight should have at least three dimensions")
    found = numbers(values, dims)
    if len(found) != weight.ndim - 2:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {weight.ndim - 2} values to match the "
            f"convolution dimensions, but got {name}={list(found)}"
        )
    return found


def at_least(least: int, complaint: str, values: Sequence[int]) -> None:
    """Refuse numbers below a limit, or not even above zero."""
    if min(values) < least:
        raise RuntimeError(f"{complaint} is not supported")


def as_image(values: Sequence[int], row: int = 1) -> list[int]:
    """Return numbers for each dimension; with that of its one row where the image is a sequence."""
    return [row, *values] if len(values) == 1 else list(values)


def by_name(name: str, values: Sequence[int], mark: str = "") -> str:
    """Write numbers with the names of their dimensions."""
    dims = ("depth", "height", "width")[-len(values) :]
    return f"{mark} ".join(f"{name}_{dim}: {each}" for dim, each in zip(dims, values, strict=True))


def by_x(values: Sequence[int]) -> str:
    return " x ".join(map(str, values))


def check_rank(name: str, dims: int, input: Tensor) -> None:
    """Refuse an input that is neither one example nor a batch of them."""
    if input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, but got input of size: "
            f"{list(input.shape)}"
        )


def check_types(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> None:
    """Refuse operands of different types."""
    if input.is_complex() and not weight.is_complex():
        kinds = f"(CPU{input.dtype.title}Type) and weight type (torch.{weight.dtype.title}Tensor)"
        raise RuntimeError(f"Input type {kinds} should be the same")
    if input.dtype is not weight.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype.title} but found {weight.dtype.title}")
    if bias is not None and bias.dtype is not input.dtype:
        kinds = f"({input.dtype.c_name}) and bias type ({bias.dtype.c_name})"
        raise RuntimeError(f"Input type {kinds} should be the same")


def check_channels(input: Tensor, weight: Tensor, bias: Tensor | None, groups: int, transposed: bool = False) -> None:
    """Refuse a number of channels other than the weight's."""
    shape = list(weight.shape)
    if not shape[0]:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size "
            f"{shape} instead"
        )
    if shape[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of "
            f"size [{shape}] instead"
        )
    due, made = (shape[0], shape[1] * groups) if transposed else (shape[1] * groups, shape[0])
    if input.shape[1] != due:
        raise RuntimeError(
            f"Given {'transposed=1' if transposed else f'groups={groups}'}, weight of size {shape}, expected "
            f"input{list(input.shape)} to have {due} channels, but got {input.shape[1]} channels instead"
        )
    if bias is not None and list(bias.shape) != [made]:
        raise RuntimeError(
            f"Given {'transposed=1, ' * transposed}weight of size {shape}, expected bias to be 1-dimensional with "
            f"{made} elements, but got bias of size {list(bias.shape)} instead"
        )


def check_windows(input: Tensor, weight: Tensor, sweep: Sweep) -> None:
    """Refuse windows of nothing, and an input that no window fits in."""
    kernel = weight.shape[2:]
    if 0 in kernel:
        words = f": {by_x(kernel)} (TxHxW)" if len(kernel) == 3 else f" {by_name('kernel', as_image(kernel))}"
        raise RuntimeError(f"kernel size should be greater than zero, but got{words}")
    if min(sweep.dilation) <= 0:
        raise RuntimeError(f"dilation should be greater than zero, but got {as_image(sweep.dilation)}")
    spans = reach(kernel, sweep.dilation)
    sizes = [size + sum(border) for size, border in zip(input.shape[2:], sweep.borders, strict=True)]
    if any(size < span for size, span in zip(sizes, spans, strict=True)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({by_x(sizes)}). Kernel size: ({by_x(spans)}). Kernel size "
            "can't be greater than actual input size"
        )


def check_transposed(input: Tensor, weight: Tensor, sweep: Sweep, more: Steps, sizes: Steps) -> None:
    """Refuse windows of nothing, and sizes that a transposed convolution cannot have."""
    kernel, steps, holes = (as_image(each) for each in (weight.shape[2:], sweep.stride, sweep.dilation))
    extra = as_image(more, 0)
    if len(kernel) == 3 and not weight.numel():
        raise RuntimeError(
            "non-empty 5D (n_output_plane x n_input_plane x kernel_depth x kernel_height x kernel_width) tensor "
            f"expected for weight, but got: {list(weight.shape)}"
        )
    if 0 in kernel:
        raise RuntimeError(f"kernel size should be greater than zero, but got {by_name('kernel', kernel)}")
    if min(holes) <= 0:
        raise RuntimeError(f"dilation should be greater than zero, but got {by_name('dilation', holes, ',')}")
    if any(each >= max(step, hole) for each, step, hole in zip(extra, steps, holes, strict=True)):
        options = zip(("output_padding", "stride", "dilation"), (extra, steps, holes), strict=True)
        raise RuntimeError(
            "output padding must be smaller than either stride or dilation, but got "
            + " ".join(by_name(*option) for option in options)
        )
    if not weight.numel():
        shape = [*weight.shape[:2], *kernel]
        raise RuntimeError(f"non-empty 2D or 4D weight tensor expected, but got: {shape}")
    check_empty(input)
    if min(sizes) < 1:
        raise RuntimeError(
            f"Given input size per channel: ({by_x(as_image(input.shape[2:]))}). Calculated output size per channel: "
            f"({by_x(as_image(sizes))}). Output size is too small"
        )


def check_empty(input: Tensor) -> None:
    """Refuse images without elements."""
    if 0 in input.shape[2:]:
        shape = [*input.shape[:2], *as_image(input.shape[2:])]
        raise RuntimeError(f"Only zero batch or zero channel inputs are supported, but got input shape: {shape}")


def check_kernel(input: Tensor, kernel: str, *integers: str) -> None:
    """Refuse types that a kernel does not take, where there is something to compute."""
    if input.numel() and not (input.is_floating_point() or input.is_complex() or input.dtype.name in integers):
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{input.dtype.title}'")
