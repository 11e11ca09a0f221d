"""Normalisation of each example by itself: of its last dimensions, its groups of channels, or each channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import op
from assay_reference.core.dtypes import finfo, float32
from assay_reference.core.grad_mode import no_grad
from assay_reference.core.strides import images_like
from assay_reference.core.tensor import Tensor
from assay_reference.nn.functional.normalization import by_channel
from assay_reference.nn.functional.padding import pad
from assay_reference.nn.functional.pooling import avg_pool2d
from assay_reference.nn.functional.precision import wide


@op(
    function=False,
    method=False,
    keeps_strides=True,
    node=lambda input, weight, bias, rows, form, eps, kind: f"Native{kind}NormBackward0",
)
def standardized(
    input: Array, weight: Array | None, bias: Array | None, rows: int, form: Sequence[int], eps: float, kind: str
) -> Array:
    """Shift and scale each row to mean 0 and variance 1, then by weight and bias, which broadcast in a form."""
    if not input.size:
        return input.copy()
    values = input.reshape(rows, -1)
    values = values - values.mean(axis=1, keepdims=True)
    values = values / np.sqrt((values * values).mean(axis=1, keepdims=True) + input.dtype.type(eps))
    result = values.reshape(input.shape)
    if weight is not None:
        result = result * weight.reshape(form)
    if bias is not None:
        result = result + bias.reshape(form)
    return images_like([input] if kind == "Group" else [], result)


@standardized.vjp
def standardized_vjp(
    grad: Tensor, input: Tensor, weight: Tensor | None, bias: Tensor | None, rows: int, form: Sequence[int], eps: float
) -> tuple[Tensor | None, ...]:
    """Differentiate; the mean and the variance depend on the input too."""
    grad = wide(grad)
    values = wide(input).reshape(rows, math.prod(input.shape) // max(rows, 1))
    values = values - values.mean(1, keepdim=True)
    scale = (values.square().mean(1, keepdim=True) + eps) ** -0.5
    values = values * scale
    into = (grad if weight is None else grad * weight.reshape(form)).reshape(values.shape)
    into = into - into.mean(1, keepdim=True) - values * (into * values).mean(1, keepdim=True)
    return (
        (into * scale).reshape(input.shape),
        None if weight is None else summed_to(grad * values.reshape(input.shape), form).reshape(weight.shape),
        None if bias is None else summed_to(grad, form).reshape(bias.shape),
    )


def summed_to(grad: Tensor, form: Sequence[int]) -> Tensor:
    """Add up what has been broadcast from a form."""
    added = grad.ndim - len(form)
    dims = (*range(added), *(dim for dim, size in enumerate(form, added) if size == 1))
    return grad.sum(dims) if dims else grad


def check_parameters(name: str, input: Tensor, weight: Tensor | None, bias: Tensor | None) -> None:
    """Refuse types that do not go together: those of half precision go with parameters in single precision."""
    if not input.is_floating_point():
        raise NotImplementedError(f"\"{name}\" not implemented for '{input.dtype.title}'")
    given = [each for each in (weight, bias) if each is not None]
    if not given:
        return
    if given[0].dtype is input.dtype:
        if given[-1].dtype is not input.dtype:
            raise RuntimeError(f"expected scalar type {input.dtype.title} but found {given[-1].dtype.title}")
    elif any(each.dtype is not float32 for each in given):
        raise RuntimeError("mixed dtype (CPU): expect parameter to have scalar type of Float")
    elif not input.dtype.is_half:
        raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype.")


def check_shape(input: Tensor, shape: Sequence[int], weight: Tensor | None, bias: Tensor | None, mark: str) -> None:
    """Refuse an input that does not end in a shape, and parameters of another."""
    sizes = list(shape)
    if not sizes:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []"
        )
    for name, each in (("weight", weight), ("bias", bias)):
        if each is not None and list(each.shape) != sizes:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{list(each.shape)} and normalized_shape = {sizes}"
            )
    if list(input.shape[-len(sizes) :]) != sizes:
        raise RuntimeError(
            f"Given normalized_shape={sizes}, expected input with shape [*{mark}{', '.join(map(str, sizes))}], but got "
            f"input of size{list(input.shape)}"
        )


def sizes_of(name: str, shape: Any) -> tuple[int, ...]:
    """Return the sizes of the dimensions to normalise, which are never a single number."""
    if isinstance(shape, int):
        raise TypeError(f"{name}(): argument 'normalized_shape' (position 2) must be tuple of ints, not int")
    return tuple(shape)


def layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Shift and scale the last dimensions of each example by their own mean and variance."""
    shape = sizes_of("layer_norm", normalized_shape)
    check_shape(input, shape, weight, bias, ", ")
    check_parameters("LayerNormKernelImpl", input, weight, bias)
    rows = math.prod(input.shape[: input.ndim - len(shape)])
    return standardized(input, weight, bias, rows, shape, eps, "Layer")  # type: ignore[no-any-return]


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Shift and scale each group of channels of each example by its own mean and variance."""
    if input.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.ndim}")
    batch, channels, *sizes = input.shape
    several = batch * channels // num_groups * math.prod(sizes)
    if several == 1:
        shown = [batch * channels // num_groups, num_groups, *sizes]
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {shown}")
    if channels % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    for name, each in (("weight", weight), ("bias", bias)):
        if each is not None and list(each.shape) != [channels]:
            # The message about the bias names the weight's shape.
            shown = list((each if weight is None else weight).shape)
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of "
                f"shape {shown} and input of shape {list(input.shape)}"
            )
    check_parameters("GroupNormKernelImpl", input, weight, bias)
    form = (channels, *(1,) * len(sizes))
    return standardized(input, weight, bias, batch * num_groups, form, eps, "Group")  # type: ignore[no-any-return]


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Shift and scale each channel of each example by its own mean and variance, or by running ones."""
    batch, channels, *sizes = (*input.shape, 1, 1)[: max(input.ndim, 2)]
    if use_input_stats and math.prod(sizes) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    if (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    if running_mean is None and not use_input_stats:
        raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
    mean, var, weight, bias = (
        None if each is None else each.repeat(batch) for each in (running_mean, running_var, weight, bias)
    )
    rows = input.reshape(1, batch * channels, *sizes)
    result = by_channel(rows, mean, var, weight, bias, use_input_stats, momentum, eps)
    if use_input_stats:
        with no_grad():
            for running, moved in ((running_mean, mean), (running_var, var)):
                if running is not None and moved is not None:
                    running.copy_(moved.view(batch, channels).mean(0))
    return result.view(input.shape)  # type: ignore[no-any-return]


def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """Scale the last dimensions of each example by the root of the mean of their squares."""
    shape = sizes_of("rms_norm", normalized_shape)
    check_shape(input, shape, weight, None, "")
    if not (input.is_floating_point() or input.is_complex()):
        raise NotImplementedError(f"\"rms_norm\" not implemented for '{input.dtype.title}'")
    values = wide(input)
    kind = values.dtype.to_real() if values.is_complex() else values.dtype
    least = finfo(kind).eps if eps is None else eps
    squares = values.pow(2).mean(tuple(range(-len(shape), 0)), keepdim=True)
    result = values * (squares + least).rsqrt()
    if weight is not None:
        result = result * weight
    return result.to(input.dtype)  # type: ignore[no-any-return]


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """Divide each channel by a power of the mean of the squares of its neighbours."""
    if input.ndim < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality                          input (got {input.ndim} dimensions)"
        )
    if not input.numel():
        return input
    squares = pad((input * input).reshape(*input.shape[:2], -1).unsqueeze(1), (0, 0, size // 2, (size - 1) // 2))
    means = avg_pool2d(squares, (size, 1), stride=1).reshape(input.shape)
    return input / (means * alpha + k) ** beta  # type: ignore[no-any-return]
