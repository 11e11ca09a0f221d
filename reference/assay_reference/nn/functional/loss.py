"""Losses."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import Kernel, broadcast_shape, check_cast, not_implemented, op
from assay_reference.core.dtypes import float32, float64, promote_types
from assay_reference.core.grad_mode import records
from assay_reference.core.op import Op, misfit
from assay_reference.core.strides import laid_out, strides_of_result
from assay_reference.core.tensor import Tensor
from assay_reference.nn.functional.precision import wide
from assay_reference.nn.functional.softmax import log_softmax
from assay_reference.ops.creation import zeros
from assay_reference.ops.pointwise import where
from assay_reference.ops.shape import broadcast_tensors

REDUCTIONS: Final = ("none", "mean", "sum")

# -- reductions -------------------------------------------------------------------------------------------------------


def resolved(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """Return the reduction that is asked for: by its name, a former name, or the flags that it replaced."""
    chosen = legacy(size_average, reduce, reduction, stacklevel=4)
    if chosen == "elementwise_mean":
        warnings.warn("reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.", stacklevel=3)
        return "mean"
    if chosen not in REDUCTIONS:
        raise ValueError(f"{chosen} is not a valid value for reduction")
    return chosen


def legacy(size_average: bool | None, reduce: bool | None, reduction: str, *, stacklevel: int = 3) -> str:
    """Return the reduction that the two flags say which it replaced, if they are given."""
    if size_average is None and reduce is None:
        return reduction
    chosen = "none" if reduce is False else "sum" if size_average is False else "mean"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{chosen}' instead.",
        stacklevel=stacklevel,
    )
    return chosen


def reduced(losses: Tensor, reduction: str) -> Tensor:
    """Sum or average the terms of a loss, or return them as they are."""
    whole: Tensor = losses if reduction == "none" else getattr(losses, reduction)()
    return whole


def total(terms: Array, reduction: str, count: Any) -> Array:
    """Sum or average the terms of a loss in a kernel, or return them as they are."""
    if reduction == "none":
        return terms
    return terms.sum() / count if reduction == "mean" else terms.sum()


def shared(slopes: Tensor, reduction: str) -> Tensor:
    """Return the gradients of the terms of a loss, which a mean divides by their number."""
    return slopes / slopes.numel() if reduction == "mean" else slopes


def check_constant(name: str, **constants: Tensor | None) -> None:
    """Refuse gradients with respect to what a loss takes as given."""
    for argument, value in constants.items():
        if records() and value is not None and value.requires_grad:
            raise RuntimeError(
                f"The function '{name}' is not differentiable with respect to argument '{argument}'. This input cannot "
                "have requires_grad True."
            )


def fitting(factor: Tensor | None, losses: Tensor) -> Tensor | None:
    """Return a factor in the type of the losses that it is multiplied into, and refuse one that would enlarge them."""
    if factor is not None:
        check_fits(factor, losses)
    return None if factor is None else factor.to(losses.dtype)


def check_fits(factor: Tensor, losses: Tensor) -> None:
    check_cast(factor.dtype, losses)
    shape = broadcast_shape(tuple(losses.shape), tuple(factor.shape))
    if shape != tuple(losses.shape):
        raise RuntimeError(misfit(losses, shape))


# -- the distance to the target ---------------------------------------------------------------------------------------


def distance_loss(name: str, *, slope: Callable[..., Any]) -> Callable[[Kernel], Op]:
    """Make a loss of a formula for the distance of one element from its target, with its slope on tensors.

    What the formula takes besides the distance are options of the loss, which is called with the input, the target, the
    reduction, and the options.
    """
    refuses = not_implemented(f"{name}_cpu", "bool", "integer", "complex")

    def decorate(formula: Kernel) -> Op:
        @op(name=f"{name}_loss", function=False, method=False, refuses=refuses, keeps_strides=True)
        def losses(input: Array, target: Array, reduction: str, options: tuple[Any, ...] = ()) -> Array:
            each = formula(input - target, *options)
            each = laid_out(each, strides_of_result(each.shape, [input, target], each.itemsize))
            return total(each, reduction, each.size)

        def slopes(grad: Tensor, input: Tensor, target: Tensor, reduction: str, options: tuple[Any, ...]) -> Tensor:
            return shared(wide(grad) * slope(wide(input) - wide(target), *options), reduction)

        losses.vjp(
            input=slopes,
            target=lambda grad, input, target, reduction, options: -slopes(grad, input, target, reduction, options),
        )
        return losses

    return decorate


def matched(input: Tensor, target: Tensor) -> list[Tensor]:
    """Broadcast input and target, and warn of it."""
    if target.size() != input.size():
        warnings.warn(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). This will "
            "likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=3,
        )
    return list(broadcast_tensors(input, target))


def promoted(input: Tensor, target: Tensor) -> list[Tensor]:
    """Return input and target in their common type."""
    if {input.dtype, target.dtype} <= {float32, float64}:  # which NumPy finds by itself
        return [input, target]
    kind = promote_types(input.dtype, target.dtype)
    return [input.to(kind), target.to(kind)]


def weighted(losses: Tensor, weight: Tensor, input: Tensor, reduction: str, *, by_weight: bool = True) -> Tensor:
    """Weigh the terms of a loss and reduce them; the mean is over the weights, or over the number of terms."""
    if weight.size() != input.size():
        raise ValueError("Weights and input must have the same size.")
    if reduction not in REDUCTIONS:
        raise ValueError(f"Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'.")
    if reduction == "mean" and by_weight:
        return (losses * weight).sum() / weight.sum()  # type: ignore[no-any-return]
    return reduced(losses * weight, reduction)


@distance_loss("mse", slope=lambda distance: 2 * distance)
def squares(distance: Array) -> Array:
    return np.square(distance)


@distance_loss(
    "smooth_l1",
    slope=lambda distance, beta: where(distance.abs() >= beta, distance.sign(), distance / beta),
)
def smooth_sizes(distance: Array, beta: float) -> Array:
    size = np.abs(distance)
    return np.where(size < beta, size**2 / (2 * beta), size - beta / 2)


@distance_loss(
    "huber",
    slope=lambda distance, delta: where(distance.abs() >= delta, delta * distance.sign(), distance),
)
def clipped_squares(distance: Array, delta: float) -> Array:
    size = np.abs(distance)
    return np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Average the distance to the target."""
    x, y = matched(input, target)
    losses = (x - y).abs()
    if weight is not None:
        return weighted(losses, weight, input, legacy(size_average, reduce, reduction))
    return reduced(losses, resolved(size_average, reduce, reduction))


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Average the squared distance to the target."""
    x, y = matched(input, target)
    if weight is not None:
        return weighted((x - y) ** 2, weight, input, legacy(size_average, reduce, reduction))
    return squares(*promoted(x, y), resolved(size_average, reduce, reduction))  # type: ignore[no-any-return]


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Average the distance to the target, squared where it is less than beta."""
    input, target = matched(input, target)
    chosen = resolved(size_average, reduce, reduction)
    if beta == 0:
        return reduced((input - target).abs(), chosen)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    return smooth_sizes(*promoted(input, target), chosen, (beta,))  # type: ignore[no-any-return]


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Average the squared distance to the target up to delta, and a line beyond; in the type of the input."""
    x, y = matched(input, target)
    chosen = resolved(None, None, reduction if weight is None else "none")
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    check_cast(promote_types(input.dtype, target.dtype), input)
    losses: Tensor = clipped_squares(*promoted(x, y), chosen, (delta,)).to(input.dtype)
    return losses if weight is None else weighted(losses, weight, input, reduction, by_weight=False)


# -- log-probabilities of classes -------------------------------------------------------------------------------------


def class_dim(input: Tensor) -> int:
    """Return the dimension of the classes: the second, if there is one."""
    return min(1, input.ndim - 1)


def target_weights(target: Tensor, weight: Tensor | None, ignore_index: int, like: Tensor) -> Tensor:
    """Return the weight of each target: its class's, or 1; 0 where it is ignored."""
    counts = target != ignore_index
    if weight is None:
        return where(counts, 1.0, 0.0).to(like.dtype)  # type: ignore[no-any-return]
    chosen = weight.index_select(0, mask_ignored(target, ignore_index).reshape(-1)).reshape(target.shape)
    return where(counts, chosen, 0.0)  # type: ignore[no-any-return]


def mask_ignored(target: Tensor, ignore_index: int) -> Tensor:
    """Return the classes, with the first in place of those to ignore, which could not be looked up."""
    return where(target != ignore_index, target, 0).long()  # type: ignore[no-any-return]


def nll_op(node: str) -> Op:
    """Make the op that picks each target's score, with the name that PyTorch gives its gradient."""

    @op(function=False, method=False, node=node)
    def nll(
        input: Array, classes: Array, counts: Array, weights: Array, dim: int, reduction: str, given: tuple[Any, ...]
    ) -> Array:
        picked = np.take_along_axis(input, np.expand_dims(classes, dim), dim).squeeze(dim)
        # An ignored score has no part in the loss, even if it is infinite.
        losses = np.where(counts, -picked * weights, input.dtype.type(0))
        return total(losses, reduction, weights.sum())

    @nll.vjp
    def nll_vjp(
        grad: Tensor, input: Tensor, classes: Tensor, counts: Tensor, weights: Tensor, dim: int, reduction: str,
        given: tuple[Tensor | None, ...],
    ) -> tuple[Tensor | None, ...]:  # fmt: skip
        """Differentiate; the target and the weight, as they were given, are saved as well."""
        each = wide(grad) / wide(weights).sum() if reduction == "mean" else wide(grad)
        slopes = where(counts, -each * wide(weights), 0.0).unsqueeze(dim)
        result = zeros(input.shape, dtype=slopes.dtype, device=slopes.device)
        return result.scatter(dim, classes.unsqueeze(dim), slopes), None, None, None

    return nll


nll_op_of_rows, nll_op_of_images = nll_op("NllLossBackward0"), nll_op("NllLoss2DBackward0")


def check_classes(input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int) -> None:
    """Refuse targets of another batch, type or range than the scores'."""
    check_batch(input, target)
    if target.dtype.name not in ("int64", "uint8"):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {target.dtype.title}")
    if input.ndim > 2 and target.dtype.name != "int64":
        raise RuntimeError(f"expected scalar type Long but found {target.dtype.title}")
    count = input.shape[class_dim(input)]
    if weight is not None and list(weight.shape) != [count]:
        which = f"all {count} classes or no classes" if input.ndim < 3 else "all or no classes"
        shape = f" but got weight tensor of shape: {list(weight.shape)}" if input.ndim < 3 else ""
        raise RuntimeError(f"weight tensor should be defined either for {which}{shape}")
    if weight is not None and weight.dtype is not input.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype.title} but found {weight.dtype.title}")
    if not input.is_floating_point():
        raise NotImplementedError(f"\"nll_loss_out_frame\" not implemented for '{input.dtype.title}'")
    wrong = (target != ignore_index) & ((target < 0) | (target >= count))
    if wrong.any():
        raise IndexError(f"Target {target[wrong][0].item()} is out of bounds.")


def check_batch(input: Tensor, target: Tensor) -> None:
    if not input.ndim:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    if input.ndim == 1:
        if target.ndim > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if target.numel() != 1:
            raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {target.numel()}")
        return
    batch = target.shape[0] if target.ndim else 0
    if input.shape[0] != batch:
        raise ValueError(f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({batch}).")
    if input.ndim == 3 and not input.shape[1] and target.numel():  # it is taken for an image without pixels
        shape = [batch, 1, *target.shape[1:]]
        raise RuntimeError(f"size mismatch (got input: {[batch, 0, 0, 0]} , target: {shape}")
    if input.ndim == 2 and target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    wanted = [input.shape[0], *input.shape[2:]]
    if list(target.shape) == wanted:
        return
    if input.ndim == 4:
        if target.ndim != 3:
            raise RuntimeError(
                f"only batches of spatial targets supported (3D tensors) but got targets of dimension: {target.ndim}"
            )
        raise RuntimeError(f"size mismatch (got input: {list(input.shape)} , target: {list(target.shape)}")
    raise RuntimeError(f"Expected target size {wanted}, got {list(target.shape)}")


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Average the negative log-probabilities of the target classes, weighted by class."""
    chosen = resolved(size_average, reduce, reduction)
    check_classes(input, target, weight, ignore_index)
    flat = target.reshape(()) if input.ndim == 1 else target
    nll = nll_op_of_rows if input.ndim < 3 else nll_op_of_images
    return nll(  # type: ignore[no-any-return]
        input,
        mask_ignored(flat, ignore_index),
        flat != ignore_index,
        target_weights(flat, weight, ignore_index, input),
        class_dim(input),
        chosen,
        (target, weight),
    )


# -- cross entropy ----------------------------------------------------------------------------------------------------


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Average the negative log-probabilities that a softmax gives to the target: classes, or probabilities."""
    chosen = resolved(size_average, reduce, reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if input.shape == target.shape:
        return of_probabilities(input, target, weight, ignore_index, chosen, label_smoothing)
    scores = log_softmax(input, class_dim(input))
    loss = nll_loss(scores, target, weight, ignore_index=ignore_index, reduction=chosen)
    if not label_smoothing:
        return loss
    count = input.shape[class_dim(input)]
    smooth = of_all_classes(scores, target, weight, ignore_index, chosen)
    mixed: Tensor = loss * (1 - label_smoothing) + smooth * (label_smoothing / count)
    return mixed


def over_classes(weight: Tensor, scores: Tensor) -> Tensor:
    """Lay one weight a class out to broadcast along the other dimensions."""
    laid_out: Tensor = weight.reshape(-1, *(1,) * (scores.ndim - 1 - class_dim(scores)))
    return laid_out


def of_probabilities(
    input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, label_smoothing: float
) -> Tensor:
    """Average over the classes by their probabilities; the mean is over the examples."""
    if not target.dtype.is_floating_point:
        raise RuntimeError(
            f"Expected floating point type for target with class probabilities, got {target.dtype.title}"
        )
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    dim = class_dim(input)
    count = input.shape[dim]
    if weight is not None and list(weight.shape) != [count]:
        raise RuntimeError(
            f"cross_entropy: weight tensor should be defined either for all {count} classes or no classes but got "
            f"weight tensor of shape: {list(weight.shape)}"
        )
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / max(1, count)
    terms = log_softmax(wide(input), dim) * target
    losses = -(terms if weight is None else terms * over_classes(weight, input)).sum(dim)
    result: Any = losses.sum() / (input.numel() / max(1, count)) if reduction == "mean" else reduced(losses, reduction)
    return result.to(promote_types(input.dtype, target.dtype))  # type: ignore[no-any-return]


def of_all_classes(scores: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str) -> Tensor:
    """Return the loss of a target that all classes share, which label smoothing mixes in."""
    terms = wide(scores) if weight is None else wide(scores) * over_classes(weight, scores)
    counts = target.reshape(()) != ignore_index if scores.ndim == 1 else target != ignore_index
    losses = where(counts, -terms.sum(class_dim(scores)), 0.0)
    if reduction == "mean":
        losses = losses.sum() / target_weights(target, weight, ignore_index, terms).sum()
    return reduced(losses, "none" if reduction == "mean" else reduction).to(scores.dtype)  # type: ignore[no-any-return]
