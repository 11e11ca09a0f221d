"""Losses."""

from __future__ import annotations

import math
import warnings
from typing import Any

from assay_reference.nn.functional.activation import log_softmax
from assay_reference.tensor import Tensor


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """Sum or average a loss, or leave it."""
    match reduction:
        case "none":
            return loss
        case "mean":
            return loss.mean()  # type: ignore[no-any-return]
        case "sum":
            return loss.sum()  # type: ignore[no-any-return]
    raise ValueError(f"{reduction} is not a valid value for reduction")


def legacy(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """Read the two flags that `reduction` replaced."""
    if size_average is None and reduce is None:
        return reduction
    averaged, asked = size_average is not False, reduce is not False
    chosen = "none" if not asked else "mean" if averaged else "sum"
    message = f"size_average and reduce args will be deprecated, please use reduction='{chosen}' instead."
    warnings.warn(message, stacklevel=3)
    return chosen


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Average the squared distance to the target."""
    if input.shape != target.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). "
            "This will likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=2,
        )
    squares = (input - target).square()
    return reduced(squares if weight is None else squares * weight, legacy(size_average, reduce, reduction))


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
    _check_classes(input, target, ignore_index)
    return _picked(input, target, weight, ignore_index, legacy(size_average, reduce, reduction))


def _check_classes(input: Tensor, target: Tensor, ignore_index: int) -> None:
    dim = 1 if input.ndim > 1 else 0
    if input.ndim > 1 and input.shape[0] != target.shape[0]:
        raise ValueError(
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({target.shape[0]})."
        )
    counted = target[target != ignore_index] if target.ndim else target.reshape(1)[target.reshape(1) != ignore_index]
    if counted.numel() and (int(counted.min()) < 0 or int(counted.max()) >= input.shape[dim]):
        wrong = counted[(counted < 0) | (counted >= input.shape[dim])][0]
        raise IndexError(f"Target {int(wrong)} is out of bounds.")


def _picked(scores: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str) -> Tensor:
    """Take the scores of the target classes, negated and weighted; the mean is over the weights."""
    dim = 1 if scores.ndim > 1 else 0
    counted = target != ignore_index
    safe = target * counted
    weights = counted.to(scores.dtype) if weight is None else weight[safe] * counted
    loss = -scores.gather(dim, safe.unsqueeze(dim)).squeeze(dim) * weights
    # A class that does not count has no part in the loss, even where its score is infinite.
    loss = loss.where(counted, loss.new_zeros(()))
    if reduction == "mean":
        return loss.sum() / weights.sum()  # type: ignore[no-any-return]
    return reduced(loss, reduction)


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
    chosen = legacy(size_average, reduce, reduction)
    dim = 1 if input.ndim > 1 else 0
    scores = log_softmax(input, dim)
    if target.dtype.is_floating_point:
        return _expected(scores, target, weight, chosen, label_smoothing, dim)
    _check_classes(input, target, ignore_index)
    loss = _picked(scores, target, weight, ignore_index, chosen)
    if not label_smoothing:
        return loss
    smooth = _smoothed(scores, target, weight, ignore_index, chosen, dim)
    return loss * (1 - label_smoothing) + smooth * (label_smoothing / input.shape[dim])  # type: ignore[no-any-return]


def _along(weight: Tensor, scores: Tensor, dim: int) -> Tensor:
    """Lay one weight a class out to broadcast along the others."""
    shape = [1] * scores.ndim
    shape[dim] = -1
    return weight.reshape(shape)  # type: ignore[no-any-return]


def _expected(
    scores: Tensor, target: Tensor, weight: Tensor | None, reduction: str, label_smoothing: float, dim: int
) -> Tensor:
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / scores.shape[dim]
    terms = scores * target if weight is None else scores * target * _along(weight, scores, dim)
    loss = -terms.sum(dim)
    return loss.sum() / max(math.prod(loss.shape), 1) if reduction == "mean" else reduced(loss, reduction)  # type: ignore[no-any-return]


def _smoothed(
    scores: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, dim: int
) -> Tensor:
    """Sum over all classes alike, which label smoothing mixes in."""
    counted = target != ignore_index
    weighted = scores if weight is None else scores * _along(weight, scores, dim)
    loss = (-weighted.sum(dim)).where(counted, scores.new_zeros(()))
    if reduction != "mean":
        return reduced(loss, reduction)
    total: Any = counted.sum() if weight is None else (weight[target * counted] * counted).sum()
    return loss.sum() / total.to(scores.dtype)  # type: ignore[no-any-return]
