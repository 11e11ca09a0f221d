"""The documented edition: the reference's namespace, with the forms that documents show and PyTorch has since removed.

    from assay_reference import documented as torch

Every form calls what has replaced it. A namespace inside it that has such forms is a module here. Tensors are those
of the current edition: what a method takes besides, it takes inside `with documented.served() as torch:`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

import assay_reference
from assay_reference.core.arrays import Array, namespace
from assay_reference.core.dispatch import op
from assay_reference.core.tensor import Tensor
from assay_reference.documented import autograd as autograd
from assay_reference.documented import cuda as cuda
from assay_reference.documented import nn as nn
from assay_reference.documented import optim as optim
from assay_reference.documented import utils as utils
from assay_reference.documented.forms import filling, optional, renamed
from assay_reference.linalg.checks import check_square
from assay_reference.linalg.decompositions import eigen

current: Any = assay_reference

add = renamed(current.add, value="other")
addcdiv = renamed(current.addcdiv, tensor="input")
addcmul = renamed(current.addcmul, tensor="input")
cat = renamed(current.cat, inputs="tensors", dimension="dim")
chunk = renamed(current.chunk, tensor="input")
dist = filling(current.dist)
div = renamed(current.div, value="other")
dot = renamed(current.dot, tensor1="input", tensor2="tensor")
equal = renamed(current.equal, tensor1="input", tensor2="other")
exp = renamed(current.exp, tensor="input")
eye = optional(current.eye, "m")
fmod = renamed(current.fmod, divisor="other")
frac = renamed(current.frac, tensor="input")
kthvalue = optional(current.kthvalue, "dim")
mm = renamed(current.mm, mat1="input")
mul = renamed(current.mul, value="other")
mv = renamed(current.mv, mat="input")
normal = renamed(current.normal, means="mean")
remainder = renamed(current.remainder, divisor="other")
split = renamed(current.split, split_size="split_size_or_sections")
squeeze = filling(optional(current.squeeze, "dim"))
stack = renamed(current.stack, sequence="tensors")
t = filling(current.t)
topk = optional(current.topk, "dim")
transpose = filling(current.transpose)
unbind = renamed(current.unbind, tensor="input")
unsqueeze = filling(current.unsqueeze)


def sort(input: Tensor, dim: int | None = None, descending: bool = False, **rest: Any) -> Any:
    """Sort along a dimension, the last if none is named; return the index of each element too."""
    return current.sort(input, dim=-1 if dim is None else dim, descending=descending, **rest)


METHODS: dict[type, dict[str, Any]] = {Tensor: {"norm": current.norm}, nn.Module: nn.METHODS}


def __getattr__(name: str) -> Any:
    return getattr(current, name)


@contextmanager
def served() -> Iterator[ModuleType]:
    """Lend the namespace, and let tensors and modules take the former forms of methods meanwhile."""
    before = {kind: {name: getattr(kind, name) for name in methods} for kind, methods in METHODS.items()}
    try:
        put(METHODS)
        yield sys.modules[__name__]
    finally:
        put(before)


def put(methods: dict[type, dict[str, Any]]) -> None:
    for kind, own in methods.items():
        for name, method in own.items():
            setattr(kind, name, method)


@op(function=False, method=False, out="castable", returns=("eigenvalues", "eigenvectors"))
def eig(a: Array, eigenvectors: bool = False) -> Any:
    """Return the eigenvalues of a matrix as rows of real and imaginary parts, and the eigenvectors if they are wanted.

    An eigenvector stands in one column where its eigenvalue is real; two conjugate ones share two columns, of which the
    first has their real part, and the second the imaginary part of the first.
    """
    values, vectors = eigen("torch.eig", a)
    pairs = np.stack([values.real, values.imag], axis=1).astype(a.dtype)
    if not eigenvectors:
        return pairs, namespace(a).empty(0, a.dtype)
    return pairs, np.where(values.imag < 0, -vectors.imag, vectors.real).astype(a.dtype)


@eig.check
def check_eig(a: Tensor, eigenvectors: bool) -> None:
    check_square("linalg.eig", a)


def linspace(start: Any, end: Any, steps: int = 100, **options: Any) -> Any:
    """Return evenly spaced numbers, a hundred by default."""
    return current.linspace(start, end, steps, **options)


def logspace(start: Any, end: Any, steps: int = 100, **options: Any) -> Any:
    """Return evenly spaced powers of ten, a hundred by default."""
    return current.logspace(start, end, steps, **options)


def median(input: Tensor, dim: int = -1, values: Tensor | None = None, indices: Tensor | None = None) -> Any:
    """Return the middle elements along a dimension, by default the last, and their indices."""
    return current.median(input, dim, out=pair(input, values, indices))


def mode(input: Tensor, dim: int = -1, values: Tensor | None = None, indices: Tensor | None = None) -> Any:
    """Return the most frequent elements along a dimension, and their indices."""
    return current.mode(input, dim, out=pair(input, values, indices))


def pair(input: Tensor, values: Tensor | None, indices: Tensor | None) -> tuple[Tensor, Tensor] | None:
    """Return the out= of two results, either of which may have been given a tensor."""
    if values is None and indices is None:
        return None
    return (
        current.empty(0, dtype=input.dtype, device=input.device) if values is None else values,
        current.empty(0, dtype=current.int64, device=input.device) if indices is None else indices,
    )
