"""Einstein's summation: products of tensors, written by the names of their dimensions."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from typing import Any, TypeAlias

from assay_reference.core.dispatch import composite
from assay_reference.core.tensor import Tensor
from assay_reference.ops.products import bmm
from assay_reference.ops.shape import as_sequence

Labels: TypeAlias = list[str]  # the names of dimensions: a letter, or "..." and a number counted from the last


@composite(method=False)
def einsum(equation: str, *operands: Any) -> Tensor:
    """Multiply, and sum over the dimensions whose names do not stand on the right of the equation."""
    given: Any = as_sequence(operands)
    left, arrow, right = equation.replace(" ", "").partition("->")
    names = named(left.split(","), given)
    output = labels_of(right, ellipsis_of(names)) if arrow else implied(names)
    terms = [diagonal_of(each, labels) for each, labels in zip(broadcast(given, names), names, strict=True)]
    whole, labels = terms[0]
    for position, (tensor, more) in enumerate(terms[1:], 2):
        kept = {*output, *(label for _, later in terms[position:] for label in later)}
        left_term, right_term = summed(whole, labels, {*kept, *more}), summed(tensor, more, {*kept, *labels})
        whole, labels = contracted(*left_term, *right_term, kept)
    whole, labels = summed(whole, labels, output)
    return whole.permute([labels.index(label) for label in output])  # type: ignore[no-any-return]


def labels_of(subscripts: str, ellipsis: Sequence[str]) -> Labels:
    """Read the names of dimensions, those that dots stand for included."""
    parts = re.findall(r"\.\.\.|.", subscripts)
    return [label for part in parts for label in (ellipsis if part == "..." else [part])]


def named(subscripts: Sequence[str], tensors: Sequence[Tensor]) -> list[Labels]:
    """Name the dimensions of each operand."""
    if len(subscripts) != len(tensors):
        many = "more" if len(tensors) > len(subscripts) else "fewer"
        raise RuntimeError(f"einsum(): {many} operands were provided than specified in the equation")
    names = []
    for position, (each, tensor) in enumerate(zip(subscripts, tensors, strict=True)):
        letters = len(each.replace("...", ""))
        hidden = tensor.ndim - letters
        if hidden < 0 or (hidden and "..." not in each):
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({letters}) "
                + (
                    f"is more than the number of dimensions ({tensor.ndim}) for operand {position}"
                    if "..." in each
                    else f"does not match the number of dimensions ({tensor.ndim}) for operand {position} and no "
                    "ellipsis was given"
                )
            )
        names.append(labels_of(each, [f"...{at}" for at in range(hidden, 0, -1)]))
    return names


def ellipsis_of(names: Sequence[Labels]) -> Labels:
    """Return the dimensions that dots stand for, of the operand where they are most."""
    return max(([label for label in each if len(label) > 1] for each in names), key=len)


def implied(names: Sequence[Labels]) -> Labels:
    """Return the dimensions of a result of which the equation says nothing: those that are named once, in order."""
    letters = sorted(label for each in names for label in each if len(label) == 1)
    return [*ellipsis_of(names), *(label for label in letters if letters.count(label) == 1)]


def broadcast(tensors: Sequence[Tensor], names: Sequence[Labels]) -> list[Tensor]:
    """Repeat dimensions of size 1 where others of the same name are larger."""
    sizes: dict[str, int] = {}
    for position, (tensor, labels) in enumerate(zip(tensors, names, strict=True)):
        for label, size in zip(labels, tensor.shape, strict=True):
            seen = sizes.get(label, 1)
            if 1 not in (seen, size) and seen != size:
                raise RuntimeError(
                    f"einsum(): subscript {label[0]} has size {size} for operand {position} which does not broadcast "
                    f"with previously seen size {seen}"
                )
            sizes[label] = size if seen == 1 else seen
    return [tensor.expand([sizes[label] for label in labels]) for tensor, labels in zip(tensors, names, strict=True)]


def diagonal_of(tensor: Tensor, labels: Labels) -> tuple[Tensor, Labels]:
    """Keep of dimensions with one name the elements where their indices are equal."""
    for label in labels:
        if labels.count(label) > 1:
            first, second = [at for at, each in enumerate(labels) if each == label][:2]
            rest = [each for at, each in enumerate(labels) if at not in (first, second)]
            return diagonal_of(tensor.diagonal(0, first, second), [*rest, label])
    return tensor, labels


def summed(tensor: Tensor, labels: Labels, kept: Collection[str]) -> tuple[Tensor, Labels]:
    """Sum over the dimensions that are not needed any more."""
    dims = [at for at, label in enumerate(labels) if label not in kept]
    return tensor.sum(dims) if dims else tensor, [label for label in labels if label in kept]


def contracted(
    left: Tensor, of_left: Labels, right: Tensor, of_right: Labels, kept: Collection[str]
) -> tuple[Tensor, Labels]:
    """Multiply two operands as stacks of matrices."""
    size = dict(zip(of_left, left.shape, strict=True)) | dict(zip(of_right, right.shape, strict=True))
    stack = [label for label in of_left if label in of_right and label in kept]
    inner = [label for label in of_left if label in of_right and label not in kept]
    rows = [label for label in of_left if label not in of_right]
    columns = [label for label in of_right if label not in of_left]

    def laid_out(tensor: Tensor, labels: Labels, *groups: Labels) -> Tensor:
        order = [labels.index(label) for group in groups for label in group]
        sizes = [math.prod(size[label] for label in group) for group in groups]
        return tensor.permute(order).reshape(sizes)  # type: ignore[no-any-return]

    product = bmm(laid_out(left, of_left, stack, rows, inner), laid_out(right, of_right, stack, inner, columns))
    labels = [*stack, *rows, *columns]
    return product.reshape([size[label] for label in labels]), labels
