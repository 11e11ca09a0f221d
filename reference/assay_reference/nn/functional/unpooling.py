"""Unpooling: elements put back where pooling found them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from assay_reference.core.arrays import Array, namespace
from assay_reference.core.dispatch import op
from assay_reference.core.dtypes import int64
from assay_reference.core.strides import images_like
from assay_reference.core.tensor import Tensor
from assay_reference.nn.functional.pooling import documented, shown
from assay_reference.nn.functional.windows import Steps, expanded
from assay_reference.ops.creation import integer_sizes


def unpool_over(dims: int) -> Any:
    """Make the op that puts elements back over so many dimensions."""

    @op(function=False, method=False, name=f"max_unpool{dims}d", node=f"MaxUnpool{dims}DBackward0", keeps_strides=True)
    def unpool(input: Array, indices: Array, sizes: Steps) -> Array:
        lead, own, count = input.shape[:-dims], math.prod(input.shape[-dims:]), math.prod(sizes)
        whole = np.zeros_like(input, shape=(math.prod(lead), count))
        if input.size and whole.size:
            wrong = indices[(indices < 0) | (indices >= count)]
            if wrong.size:
                size = shown(sizes)
                raise RuntimeError(f"Found an invalid max index: {wrong[-1]} (output volumes are of size {size})")
            rows = namespace(input).arange(len(whole)).reshape(-1, 1)
            whole[rows, indices.reshape(-1, own)] = input.reshape(-1, own)
        return images_like([input] if dims == 2 else [], whole.reshape(*lead, *sizes))

    @unpool.vjp
    def unpool_vjp(grad: Tensor, indices: Tensor) -> tuple[Tensor, None]:
        shapes = [(*each.shape[:-dims], math.prod(each.shape[-dims:])) for each in (grad, indices)]
        rows, places = (each.reshape(shape) for each, shape in zip((grad, indices), shapes, strict=True))
        return rows.gather(-1, places).reshape(indices.shape), None

    return unpool


def size_of_result(
    input: Tensor, kernel: Steps, stride: Steps, padding: Steps, output_size: Sequence[int] | None
) -> Sequence[int]:
    """Return the sizes of an unpooling's result, those that are wanted if pooling them gives the input's."""
    dims = len(kernel)
    sizes = [(input.shape[dim - dims] - 1) * stride[dim] + kernel[dim] - 2 * padding[dim] for dim in range(dims)]
    if output_size is None:
        return sizes
    wanted = output_size[2:] if len(output_size) == dims + 2 else output_size
    if len(wanted) != dims:
        raise ValueError(
            f"output_size should be a sequence containing {dims} or {dims + 2} elements, but it has a length of "
            f"'{len(wanted)}'"
        )
    for dim, (size, step) in enumerate(zip(sizes, stride, strict=True)):
        if not size - step < wanted[dim] < size + step:
            raise ValueError(
                f'invalid output_size "{wanted}" (dim {dim} must be between {size - step} and {size + step})'
            )
    return wanted


def check_operands(dims: int, input: Tensor, indices: Tensor, count: int) -> None:
    """Raise what is wrong with tensors that are to be unpooled into so many sizes."""
    name = f"max_unpooling{dims}d"
    if indices.dtype != int64:
        but = f" but got: {indices.dtype.title}" if dims == 2 else ""
        raise RuntimeError(f"elements in indices should be type int64{but}")
    if count != dims:
        which = {2: "two elements (height, width)", 3: "three elements (depth, height, width)"}[dims]
        raise RuntimeError(f"There should be exactly {which} in output_size, but got {count} elements.")
    if input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Input to {name} should be a {dims + 1}d or {dims + 2}d Tensor, but got a tensor with {input.ndim} "
            "dimensions."
        )
    if input.shape != indices.shape:
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({list(input.shape)}) but got indices "
            f"tensor with shape: {list(indices.shape)}"
        )
    empty = next((dim for dim in range(1, input.ndim) if not input.shape[dim]), None)
    if empty is not None:
        raise RuntimeError(
            f"{name}_forward_out_cpu(): Expected input to have non-zero size for non-batch dimensions, but got "
            f"{list(input.shape)} with dimension {empty} being empty."
        )


def unpooling(dims: int, doc: str) -> Callable[..., Tensor]:
    """Make the function that puts elements back over so many dimensions."""
    name, images = f"max_unpool{dims}d", max(dims, 2)
    unpool = unpool_over(images)

    def put_back(
        input: Tensor,
        indices: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        output_size: Sequence[int] | None = None,
    ) -> Tensor:
        kernel, edges = expanded(kernel_size, dims), expanded(padding, dims)
        steps = kernel if stride is None else expanded(stride, dims)
        sizes = size_of_result(input, kernel, steps, edges, output_size)
        for dim in range(len(kernel)):
            if sizes[dim] < 0:
                raise ValueError(
                    "max_unpooling: output_size must contain non-negative spatial dimensions, but got "
                    f"output_size[{dim}]={sizes[dim]}"
                )
        if dims == 1:  # a sequence is an image of one column
            input, indices, sizes = input.unsqueeze(-1), indices.unsqueeze(-1), (*sizes, 1)
        sizes = integer_sizes(f"max_unpool{images}d", sizes, option="output_size", ordinal=3)
        check_operands(images, input, indices, len(sizes))
        if dims == 3 and min(steps) <= 0:
            raise RuntimeError(f"strides should be greater than zero, but got stride: {list(steps)}")
        if input.numel() and not input.dtype.is_floating_point:
            raise NotImplementedError(f"\"max_unpool{images}d\" not implemented for '{input.dtype.title}'")
        result: Tensor = unpool(input, indices, sizes)
        return result.squeeze(-1) if dims == 1 else result

    return documented(put_back, name, doc)


max_unpool1d = unpooling(1, "Put elements back where pooling a sequence found them.")
max_unpool2d = unpooling(2, "Put elements back where pooling an image found them.")
max_unpool3d = unpooling(3, "Put elements back where pooling a volume found them.")
