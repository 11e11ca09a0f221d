"""Laws: expressions over arrays that must hold where PyTorch leaves the answer open."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import numpy as np

from assay.cases.arrays import Host, limits
from assay.cases.case import Case, TensorValue
from assay.cases.outcome import Array, Outcome
from assay.judge.floats import eps_of, tiny_of
from assay_spec import dtypes
from assay_spec.builder import WORDS
from assay_spec.expression import Expression
from assay_spec.model import Bug, Overload
from assay_spec.plans import TensorPlan


def gather(values: Host, dim: int, indices: Host) -> Host:
    """Return the elements at some indices along a dimension."""
    if not values.ndim:
        return np.broadcast_to(values, indices.shape)
    return np.take_along_axis(values, indices, dim)


def monotone(values: Host, dim: int, descending: bool = False, strict: bool = False) -> bool:
    """Return whether elements rise (or fall) along a dimension, NaN counting as the largest."""
    if not values.ndim or values.shape[dim] < 2:
        return True
    order = np.moveaxis(values, dim, -1)
    first, second = (order[..., 1:], order[..., :-1]) if descending else (order[..., :-1], order[..., 1:])
    ordered = first < second if strict else (first <= second) | (second != second)
    return bool(np.all(ordered))


def permutation(indices: Host, dim: int) -> bool:
    """Return whether indices along a dimension are 0, 1, 2, … in some order."""
    if not indices.ndim:
        return bool(indices == 0)
    shape = [1] * indices.ndim
    shape[dim] = indices.shape[dim]
    return bool(np.all(np.sort(indices, axis=dim) == np.arange(indices.shape[dim]).reshape(shape)))


def different(indices: Host, dim: int) -> bool:
    """Return whether the indices along a dimension have no duplicates."""
    return monotone(np.sort(indices, axis=dim), dim, strict=True) if indices.ndim else True


def stable(values: Host, indices: Host, dim: int) -> bool:
    """Return whether equal neighbours are in the order of their indices."""
    if not values.ndim or values.shape[dim] < 2:
        return True
    values, indices = np.moveaxis(values, dim, -1), np.moveaxis(indices, dim, -1)
    equal = (values[..., 1:] == values[..., :-1]) | (
        (values[..., 1:] != values[..., 1:]) & (values[..., :-1] != values[..., :-1])
    )
    return bool(np.all(~equal | (indices[..., 1:] > indices[..., :-1])))


def same(first: Any, second: Any) -> bool:
    """Return whether two arrays are equal everywhere, NaN to NaN."""
    first, second = np.asarray(first), np.asarray(second)
    return bool(np.all((first == second) | ((first != first) & (second != second))))


_NO_SCALE: Final = 1e-30  # both arrays are zero: then only zero is close


def close(first: Host, second: Host, within: float) -> bool:
    """Return whether two arrays lie within a distance relative to the larger of them."""
    scale = max(float(np.max(np.abs(second), initial=0)), _NO_SCALE)
    return bool(np.all(np.abs(first - second) <= within * scale))


def restored(values: Host, model: Host, dim: int, keepdim: bool) -> Host:
    """Return a reduction's result with the reduced dimension kept, so that it can be gathered and compared."""
    return values if keepdim or not model.ndim else np.expand_dims(values, dim)


def extremes(values: Host, model: Host, dim: int, largest: bool) -> bool:
    """Return whether values are the largest (or smallest) of an input along a dimension, NaN being the largest."""
    if not model.ndim:
        return True
    ordered = np.sort(model, axis=dim)
    count = values.shape[dim]
    picked = slice(ordered.shape[dim] - count, None) if largest else slice(count)
    wanted = np.moveaxis(ordered, dim, -1)[..., picked]
    return same(np.moveaxis(np.sort(values, axis=dim), dim, -1), wanted)


def kth(model: Host, k: int, dim: int, keepdim: bool = False) -> Host:
    """Return the k-th smallest element along a dimension, NaN being the largest."""
    if not model.ndim:
        return model
    return np.take(np.sort(_wide(model), axis=dim), [k - 1] if keepdim else k - 1, axis=dim)


def on_the_brink(input: Host, other: Host) -> Host:
    """Mark quotients that are not integers and lie within a rounding of one."""
    dividend, divisor = np.broadcast_arrays(_wide(np.asarray(input)), _wide(np.asarray(other)))
    quotient = dividend / divisor
    dtype = np.asarray(input).dtype.name
    reach = eps_of(dtype) * np.abs(quotient) if dtypes.is_floating(dtype) else 0.0
    return np.asarray((np.abs(quotient - np.rint(quotient)) <= reach) & (np.fmod(dividend, divisor) != 0))


def anywhere(mask: Host, dim: int | None = None, keepdim: bool = False) -> Host:
    """Return along a dimension, or of all, whether some element is marked."""
    return np.asarray(np.any(mask, axis=dim if mask.ndim else None, keepdims=keepdim))


def in_order(array: Any) -> bool:
    """Return whether an argument's elements, if it is a tensor, lie in memory in their order, one after the other."""
    return not isinstance(array, np.ndarray) or bool(array.flags.c_contiguous)


def strays(input: Host, dim: int | None = None, keepdim: bool = False) -> Host:
    """Mark products that leave the range of the dtype in one order of multiplying and not in another."""
    if not dtypes.has_fractions(input.dtype.name):
        return anywhere(np.zeros(input.shape, dtype=bool), dim, keepdim)
    part, sizes = dtypes.real_part(input.dtype.name), np.abs(_wide(input))
    with np.errstate(divide="ignore"):
        powers = np.log2(sizes)
    along: dict[str, Any] = {"axis": dim if input.ndim else None, "keepdims": keepdim}
    above = np.sum(powers, where=powers > 0, **along)
    below = np.sum(powers, where=(powers < 0) & (sizes > 0), **along)
    overflow = (above >= np.log2(limits(part)[1])) & np.any(powers < 0, **along)
    return np.asarray(overflow | ((below <= np.log2(tiny_of(part))) & (above > 0)))


_EIGEN_ERROR: Final = 1e-4  # relative to the eigenvalue: the error in float32, for matrices of the sizes that are drawn
_EIGEN_SIZE: Final = 1e-3  # LAPACK's have length 1; a vector of zeros is no eigenvector


def eigenpairs(matrix: Host, values: Host, vectors: Host) -> bool:
    """Return whether pairs of real and imaginary parts, and vectors, are a matrix's eigenpairs.

    A complex vector takes two columns, its real and its imaginary part.
    """
    column, wide = 0, _wide(matrix)
    while column < len(values):
        number = complex(*values[column])
        vector = vectors[:, column].astype(np.complex128)
        if number.imag:
            vector = vector + 1j * vectors[:, column + 1]
        apart = np.abs(wide @ vector - number * vector).max()
        if apart > _EIGEN_ERROR * (1 + abs(number)) or not np.abs(vector).max() > _EIGEN_SIZE:
            return False
        column += 2 if number.imag else 1
    return True


def product(first: Host, second: Host) -> Host:
    """Return the product of two matrices, in double precision."""
    return np.asarray(_wide(first) @ _wide(second))


def _wide(values: Host) -> Host:
    return values.astype(np.complex128 if np.iscomplexobj(values) else np.float64)


LAW_WORDS: Final = {
    function.__name__: function
    for function in (
        gather,
        monotone,
        permutation,
        different,
        stable,
        same,
        close,
        restored,
        extremes,
        kth,
        on_the_brink,
        anywhere,
        in_order,
        strays,
        eigenpairs,
        product,
    )
}
_ARRAY_WORDS: Final = {
    "abs": np.abs,
    "maximum": np.maximum,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
    "signbit": np.signbit,
    "trunc": np.trunc,
    "eye": np.eye,
    "trace": np.trace,
}


@cache
def _expression(source: str) -> Expression:
    return Expression(source, {**WORDS, **_ARRAY_WORDS, **LAW_WORDS})


def holds(law: str, overload: Overload, case: Case, outcome: Outcome, scope: Mapping[str, Any]) -> bool:
    """Evaluate a law over the arrays of a call and of its answer."""
    names = {**scope, **_arrays(case)}
    fields = [rule.name for rule in overload.results]
    results = [_sortable(each.array) if isinstance(each, Array) else each for each in outcome.results]
    names.update(zip(fields, results, strict=False))
    names["results"] = tuple(results)
    try:
        with np.errstate(all="ignore"):
            verdict = _expression(law)(names)
    except IndexError:  # an index out of range
        return False
    return bool(np.all(verdict)) if not isinstance(verdict, bool) else verdict


def _sortable(array: Host) -> Host:
    """Return bfloat16 in float32: NumPy's sort has no order for NaN in a dtype that is not its own."""
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def undefined_mask(overload: Overload, case: Case, shape: tuple[int, ...], scope: Mapping[str, Any]) -> Host:
    """Mark the elements of a result that PyTorch leaves undefined."""
    names = _named(case, scope)
    mask = np.zeros(shape, dtype=bool)
    for source in overload.undefined:
        expression = _expression(source)
        if expression.names <= set(names):
            with np.errstate(all="ignore"):
                mask |= np.broadcast_to(expression(names), shape)
    return mask


def shows(bug: Bug, case: Case, scope: Mapping[str, Any]) -> bool:
    """Return whether a case meets a bug of PyTorch's own."""
    return bug.where is None or _somewhere(bug.where, case, scope)


def conventional(overload: Overload, case: Case, scope: Mapping[str, Any]) -> bool:
    """Return whether what PyTorch calls the gradient of a case is no derivative of its answer."""
    return any(_somewhere(source, case, scope) for source in overload.conventions)


def _somewhere(source: str, case: Case, scope: Mapping[str, Any]) -> bool:
    """Return whether a condition is true of some element; not where the case lacks what it names."""
    names = _named(case, scope)
    expression = _expression(source)
    if not expression.names <= set(names):
        return False
    with np.errstate(all="ignore"):
        return bool(np.any(expression(names)))


def _named(case: Case, scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return a scope with the arguments of a case in it, tensors as arrays in their layout."""
    given = {name: value.array() if isinstance(value, TensorValue) else value for name, value in case.arguments.items()}
    known = {name: value for name, value in scope.items() if not isinstance(value, TensorPlan)}
    return known | given  # a case that makes no call has none of its tensors


def _arrays(case: Case) -> dict[str, Any]:
    return {
        name: _sortable(value.array()) if isinstance(value, TensorValue) else value
        for name, value in case.arguments.items()
    }


def check_law(source: str, overload: Overload) -> None:
    """Raise ExpressionError if a law uses an undefined name."""
    from assay_spec.expression import ExpressionError, is_size_name

    expression = _expression(source)
    known = {argument.name for argument in overload.arguments} | {rule.name for rule in overload.results} | {"results"}
    known |= set(overload.signature.names) | set(overload.let) | {"out"}
    if overload.construct is not None:
        known |= set(overload.construct.signature.names)
        known |= {rule.name for rule in (*overload.construct.parameters, *overload.construct.buffers)}
    for name in sorted(expression.names - known):
        if not is_size_name(name):
            raise ExpressionError(f"nothing defines {name!r}")
