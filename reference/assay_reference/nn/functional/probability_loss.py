"""Losses of probabilities: how far they are from those of the target."""

from __future__ import annotations

import functools
import math
import warnings
from typing import Final

import numpy as np

from assay_reference.core.arrays import Array
from assay_reference.core.dispatch import broadcast_shape, check_cast, elementwise, not_implemented, op
from assay_reference.core.dtypes import promote_types
from assay_reference.core.grad_mode import no_grad
from assay_reference.core.tensor import Tensor
from assay_reference.nn.functional.activation import logsigmoid
from assay_reference.nn.functional.loss import (
    REDUCTIONS,
    check_constant,
    fitting,
    legacy,
    promoted,
    reduced,
    resolved,
    shared,
    total,
)
from assay_reference.nn.functional.precision import wide
from assay_reference.ops.creation import full_like, like_memory_of
from assay_reference.ops.pointwise import BOOL_MINUS_BOOL
from assay_reference.ops.shape import expand

term = functools.partial(elementwise, promotes="same", function=False, method=False, in_place=False, out=None)

SMALLEST: Final = 1e-12  # that the slope of a logarithm is divided by


# -- of logarithms ----------------------------------------------------------------------------------------------------


@term(name="xlogy")
def surprise(input: Array) -> Array:
    """Return x log x, which is 0 at 0."""
    return np.where(input == 0, input.dtype.type(0), input * np.log(input))


surprise.vjp(input=lambda grad, input: grad * (input.log() + input / input))  # NaN at 0, in PyTorch too


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Average how far log-probabilities are from the target's probabilities, by Kullback and Leibler."""
    named = legacy(size_average, reduce, reduction)
    if named == reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size."
            "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
            "'mean' will be changed to behave the same as 'batchmean' in the next major release.",
            stacklevel=2,
        )
    chosen = resolved(None, None, "sum" if named == "batchmean" else named)
    kinds = {input.dtype.category, target.dtype.category}
    if "complex" in kinds:
        raise RuntimeError("kl_div: Complex inputs not supported.")
    if kinds != {"floating"}:
        raise RuntimeError("kl_div: Integral inputs not supported.")
    losses = target.exp() * (target - input) if log_target else surprise(target) - target * input
    whole = reduced(losses, chosen)
    return whole / input.shape[0] if reduction == "batchmean" and input.ndim else whole


# -- of two classes ---------------------------------------------------------------------------------------------------


@op(
    name="binary_cross_entropy",
    function=False,
    method=False,
    keeps_strides=True,
    refuses=not_implemented("binary_cross_entropy", "bool", "integer", "complex"),
)
def of_two_classes(input: Array, target: Array, weight: Array | None, reduction: str) -> Array:
    # A logarithm counts as -100 at least, so that a wrong certainty is not infinitely wrong.
    losses = (target - 1) * np.maximum(np.log1p(-input), -100) - target * np.maximum(np.log(input), -100)
    return total(like_memory_of(input, losses if weight is None else losses * weight), reduction, losses.size)


@term(name="binary_cross_entropy_backward")
def slope_of_two_classes(gradient: Array, input: Array, target: Array) -> Array:
    return gradient * (input - target) / np.maximum((1 - input) * input, np.float32(SMALLEST))  # of float64, too


slope_of_two_classes.vjp(
    gradient=lambda grad, input, target: grad * (input - target) / ((1 - input) * input + SMALLEST),
    input=lambda grad, gradient, input, target: (
        grad * gradient * (input * input - 2 * input * target + target) / ((1 - input) * input + SMALLEST) ** 2
    ),
    target=lambda grad, gradient, input: -grad * gradient / ((1 - input) * input).clamp(min=SMALLEST),
)


def weighed(grad: Tensor, weight: Tensor | None) -> Tensor:
    """Return the gradient of a term of a loss before it was weighed."""
    return wide(grad) if weight is None else wide(grad) * weight


of_two_classes.vjp(
    input=lambda grad, input, target, weight, reduction: shared(
        slope_of_two_classes(weighed(grad, weight), wide(input), wide(target)), reduction
    ),
    target=lambda grad, input, target, weight, reduction: shared(
        weighed(grad, weight) * ((-wide(input)).log1p() - wide(input).log()), reduction
    ),
)


@of_two_classes.check
def check_probabilities(input: Tensor, target: Tensor, weight: Tensor | None, reduction: str) -> None:
    if target.dtype is not input.dtype:
        raise RuntimeError(f"Found dtype {target.dtype.title} but expected {input.dtype.title}")
    if not input.is_floating_point():
        raise NotImplementedError(f"\"binary_cross_entropy\" not implemented for '{input.dtype.title}'")
    for name, values in {"input": input, "target": target}.items():
        if not ((values >= 0) & (values <= 1)).all():
            raise RuntimeError(f"all elements of {name} should be between 0 and 1")


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Average the negative log-probability of the target, of two classes."""
    chosen = resolved(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is "
            "deprecated. Please ensure they have the same size."
        )
    if weight is not None:
        weight = expand(weight, broadcast_shape(tuple(target.shape), tuple(weight.shape)))
    check_constant("binary_cross_entropy", weight=weight)
    return of_two_classes(input, target, fitting(weight, input), chosen)  # type: ignore[no-any-return]


# -- of two classes, by scores ----------------------------------------------------------------------------------------


@op(
    name="binary_cross_entropy_with_logits",
    function=False,
    method=False,
    keeps_strides=True,
    refuses={"bool": RuntimeError(BOOL_MINUS_BOOL), **not_implemented("log_sigmoid_cpu", "integer", "complex")},
)
def of_two_classes_by_scores(
    input: Array, target: Array, weight: Array | None, pos_weight: Array | None, reduction: str
) -> Array:
    positive = 1 if pos_weight is None else (pos_weight - 1) * target + 1
    losses = (1 - target) * input - positive * logsigmoid.kernel(input)
    return total(like_memory_of(target, losses if weight is None else losses * weight), reduction, losses.size)


@of_two_classes_by_scores.vjp
def of_two_classes_by_scores_vjp(
    grad: Tensor, input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None, reduction: str
) -> tuple[Tensor | None, ...]:
    """Differentiate with respect to the scores and to the target."""
    x, y, each = wide(input), wide(target), weighed(grad, weight)
    if pos_weight is None:
        return shared(each * (x.sigmoid() - y), reduction), shared(each * -x, reduction), None, None
    by_score = ((pos_weight - 1) * y + 1) * x.sigmoid() - pos_weight * y
    by_label = logsigmoid(-x) - pos_weight * logsigmoid(x)
    return shared(each * by_score, reduction), shared(each * by_label, reduction), None, None


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Average the negative log-probability that the sigmoid of the scores gives to the target, of two classes."""
    chosen = resolved(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    check_constant("binary_cross_entropy_with_logits", weight=weight, pos_weight=pos_weight)
    check_cast(promote_types(input.dtype, target.dtype), target)
    scores, labels = promoted(input, target)
    losses: Tensor = of_two_classes_by_scores(
        scores, labels, fitting(weight, scores), fitting(pos_weight, scores), chosen
    )
    return losses.to(target.dtype)  # type: ignore[no-any-return]


# -- of distributions -------------------------------------------------------------------------------------------------


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Average the negative log-probability of counts whose means, or their logarithms, are the input.

    The term of the counts alone is Stirling's approximation, where it is wanted, and where counts are above 1.
    """
    chosen = resolved(size_average, reduce, reduction)
    losses = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        factorial = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        losses = losses + factorial.masked_fill(target <= 1, 0)
    return reduced(losses, chosen)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """Average the negative log-probability of normal distributions: the input are their means.

    Variances count as eps at least. Those that are one a row stand for those of all its elements.
    """
    variances: Tensor = full_like(input, var) if isinstance(var, float) else var
    if (variances < 0).any():
        raise ValueError("var has negative entry/entries")
    if variances.shape != input.shape:
        if input.shape[:-1] == variances.shape:
            variances = variances.unsqueeze(-1)
        elif not (input.shape[:-1] == variances.shape[:-1] and variances.shape[-1] == 1):
            raise ValueError("var is of incorrect size")
    if reduction not in REDUCTIONS:
        raise ValueError(f"{reduction} is not valid")
    least = variances.clone()
    with no_grad():  # the slope is that of the variance all the same
        least.clamp_(min=eps)
    losses = 0.5 * (least.log() + (input - target) ** 2 / least)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduced(losses, reduction)
