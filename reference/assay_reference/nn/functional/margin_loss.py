"""Losses of scores that are not apart by a margin."""

from __future__ import annotations

import numpy as np

from assay_reference.core.arrays import Array, namespace
from assay_reference.core.dispatch import Sizes, check_cast, op
from assay_reference.core.dtypes import float32, float64, get_default_dtype, int64
from assay_reference.core.op import Op
from assay_reference.core.tensor import Tensor
from assay_reference.nn.functional.activation import logsigmoid
from assay_reference.nn.functional.distance import pairwise_distance
from assay_reference.nn.functional.loss import (
    REDUCTIONS,
    check_constant,
    check_fits,
    legacy,
    reduced,
    resolved,
    shared,
    total,
)
from assay_reference.nn.functional.precision import wide
from assay_reference.ops.creation import full_like, like_memory_of, zeros_like
from assay_reference.ops.pointwise import minimum, where

# -- of one score, or of two ------------------------------------------------------------------------------------------


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Average by how much the first of two scores is not above the second by a margin, or below it if target is -1."""
    chosen = resolved(size_average, reduce, reduction)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return reduced((-target * (input1 - input2) + float(margin)).clamp(min=0), chosen)


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Average distances where target is 1, and where it is -1 by how much they are below a margin."""
    chosen = resolved(size_average, reduce, reduction)
    below = (full_like(input, margin) - input).clamp(min=0)
    zeros = zeros_like(input)
    return reduced(where(target != 1, below, zeros) + where(target != -1, input, zeros), chosen)


@op(name="soft_margin_loss", function=False, method=False, keeps_strides=True)
def soft_margins(input: Array, target: Array, reduction: str) -> Array:
    losses = like_memory_of(input, np.log1p(np.exp(-input * target.astype(input.dtype))))
    return total(losses, reduction, losses.size)


@soft_margins.vjp
def soft_margins_vjp(grad: Tensor, input: Tensor, target: Tensor, reduction: str) -> tuple[Tensor, None]:
    x, y = wide(input), wide(target)
    power = (-x * y).exp()
    return shared(wide(grad) * -y * power / (power + 1), reduction), None


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Average log(1 + exp(-input * target)), which is small where both have the same sign."""
    chosen = resolved(size_average, reduce, reduction)
    check_constant("soft_margin_loss", target=target)
    if not (input.is_floating_point() or input.is_complex()):
        check_cast(get_default_dtype(), input)
    check_fits(target, input)
    return soft_margins(input, target, chosen)  # type: ignore[no-any-return]


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Average 1 less the cosine of two vectors where target is 1, and where it is -1 what is over a margin of it."""
    chosen = resolved(size_average, reduce, reduction)
    if target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if not input1.ndim == input2.ndim == target.ndim + 1:
        raise RuntimeError(
            f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}."
        )
    first, second, product = (
        (x * y).sum(target.ndim) for x, y in ((input1, input1), (input2, input2), (input1, input2))
    )
    cosine = product / ((first + 1e-12) * (second + 1e-12)).sqrt()
    zeros = zeros_like(cosine)
    over = (cosine - margin).clamp(min=0)
    return reduced(where(target == 1, 1 - cosine, zeros) + where(target == -1, over, zeros), chosen)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Average by how much the anchor is not nearer, by a margin, to the positive example than to the negative one.

    With swap, the distance to the negative one is the positive example's, where that is less.
    """
    chosen = resolved(size_average, reduce, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.ndim}D, positive {positive.ndim}D, and negative {negative.ndim}D inputs"
        )
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced((margin + near - far).clamp(min=0), chosen)


# -- of classes -------------------------------------------------------------------------------------------------------


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Average the negative log-probability that sigmoids of the scores give to each class being a label or not."""
    chosen = legacy(size_average, reduce, reduction)
    losses = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        losses = losses * weight
    dim = input.ndim - 1
    mean = losses.sum(dim) / input.size(dim)
    if chosen not in REDUCTIONS:
        raise ValueError(f"{chosen} is not valid")
    return reduced(mean, chosen)


def gaps_of(scores: Array, labels: Array, margin: float) -> tuple[Array, Array]:
    """Return by how much each class of a row comes within the margin of each label, and which class each label is.

    Labels are those before the first -1. What is a label itself comes near to none.
    """
    labels = np.where(np.cumsum(labels < 0, axis=1) > 0, -1, labels)
    is_label = labels[:, :, None] == namespace(scores).arange(scores.shape[1])
    of_labels = np.take_along_axis(scores, np.maximum(labels, 0), 1)
    gaps = margin - of_labels[:, :, None] + scores[:, None, :]
    apart = (labels[:, :, None] >= 0) & ~is_label.any(1)[:, None, :]
    return np.where(apart & (gaps > 0), gaps, scores.dtype.type(0)), is_label


def margins(name: str) -> Op:
    """Make a loss of the classes that come within a margin of the labels, by the name that PyTorch gives it.

    Its gradient cannot be differentiated.
    """

    def laid_out(input: Array, target: Array) -> tuple[Array, Array]:
        scores = np.atleast_2d(input)
        return scores, target.reshape(scores.shape if target.size == scores.size else (-1, 1))

    @op(name=name, function=False, method=False)
    def losses(
        input: Array, target: Array, weight: Array | None, p: int, margin: float, reduction: str, shape: Sizes
    ) -> Array:
        scores, labels = laid_out(input, target)
        gaps, _ = gaps_of(scores, labels, margin)
        each = (gaps**p).sum((1, 2)) / scores.shape[1]
        each = each if weight is None else each * weight[labels[:, 0]]
        return total(each.reshape(shape), reduction, len(scores))

    @op(name=f"{name}_backward", function=False, method=False)
    def slopes(
        grad: Array, input: Array, target: Array, weight: Array | None, p: int, margin: float, reduction: str
    ) -> Array:
        scores, labels = laid_out(input, target)
        gaps, is_label = gaps_of(scores, labels, margin)
        each = grad.reshape(-1) / (input.size if reduction == "mean" else scores.shape[1])
        each = each if weight is None else each * weight[labels[:, 0]]
        near = (p * gaps ** (p - 1) * (gaps > 0)) * each[:, None, None]
        return (near.sum(1) - (near.sum(2, keepdims=True) * is_label).sum(1)).reshape(input.shape)

    losses.vjp(
        input=lambda grad, input, target, weight, p, margin, reduction: slopes(
            grad, input, target, weight, p, margin, reduction
        )
    )
    return losses


multi_margins, multilabel_margins = margins("multi_margin_loss"), margins("multilabel_margin_loss")


def classes_of(input: Tensor) -> int:
    """Return how many classes there are scores of."""
    if input.ndim > 2 or 0 in input.shape[-1:]:
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.shape)}"
        )
    return input.shape[-1] if input.ndim else 1


def check_types(input: Tensor, target: Tensor, kernel_name: str) -> None:
    if input.dtype not in (float32, float64):
        raise NotImplementedError(f"\"{kernel_name}\" not implemented for '{input.dtype.title}'")
    if target.dtype is not int64:
        raise RuntimeError(f"expected scalar type Long but found {target.dtype.title}")


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Average by how much, or by the squares of how much, other classes come within a margin of the target's score."""
    chosen = resolved(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    classes, rows = classes_of(input), input.shape[0] if input.ndim == 2 else 1
    if target.ndim > 1 or target.numel() != rows:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch "
            f"size). Expected target size [{rows}], but got {list(target.shape)}. Input has shape {list(input.shape)}."
        )
    if weight is not None and weight.numel() != classes:
        raise RuntimeError(f"inconsistent weight size, expected {classes} but got {list(weight.shape)}")
    check_types(input, target, "multi_margin_loss_cpu_kernel")
    if weight is not None and weight.dtype is not input.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype.title} but found {weight.dtype.title}")
    if ((target < 0) | (target >= classes)).any():
        raise RuntimeError("target out of range")
    check_constant("multi_margin_loss", weight=weight)
    return multi_margins(input, target, weight, int(p), float(margin), chosen, tuple(target.shape))  # type: ignore[no-any-return]


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Average by how much other classes come within 1 of the scores of the labels, which are those before a -1."""
    chosen = resolved(size_average, reduce, reduction)
    classes = classes_of(input)
    if target.numel() != input.numel() or max(target.ndim, 1) != max(input.ndim, 1):
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    if ((target < -1) | (target >= classes)).any():
        raise RuntimeError("argument #2 'target' is out of range")
    check_types(input, target, "multilabel_margin_loss_forward_out_frame")
    return multilabel_margins(input, target, None, 1, 1.0, chosen, tuple(input.shape[:-1]))  # type: ignore[no-any-return]
