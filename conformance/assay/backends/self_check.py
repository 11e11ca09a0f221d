"""The self-check: what a backend must get right before its answers mean anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from assay.backends.base import IDENTITY, Backend, BackendUnusable, ProcessError
from assay.cases.arrays import Host, host_dtype
from assay.cases.case import Case, TensorValue, called
from assay.cases.outcome import Array, Outcome
from assay_spec import dtypes

_SHAPES: Final = ((), (0,), (2, 0, 3), (1,), (2, 3))
_NO_SUCH_OP: Final = "assay.no_such_op"


def self_check(backend: Backend) -> None:
    """Round-trip plain tensors, and make calls that must fail; raise BackendUnusable if one goes wrong."""
    for dtype in backend.capabilities.dtypes:
        _round_trips(backend, dtype)
    _reports_an_unknown_op(backend)
    _reports_an_invalid_call(backend)


def trusted(backend: Backend) -> list[str]:
    """Check a candidate; return what is wrong with each dtype that it is then not asked for.

    Raise BackendUnusable where no dtype is left, or where something else than a dtype is wrong.
    """
    lost: list[str] = []
    left: list[str] = []
    for dtype in backend.capabilities.dtypes:
        try:
            _round_trips(backend, dtype)
            left.append(dtype)
        except BackendUnusable as error:
            lost.append(str(error))
    if lost and not left:
        raise BackendUnusable(lost[0])
    backend.capabilities = replace(backend.capabilities, dtypes=tuple(left))
    _reports_an_unknown_op(backend)
    _reports_an_invalid_call(backend)
    return lost


def _round_trips(backend: Backend, dtype: str) -> None:
    declared = backend.capabilities
    if dtype not in dtypes.ALL:
        raise BackendUnusable(f"{declared.name} declares {dtype!r}, which is no element type of PyTorch")
    for array in _plain(dtype):
        _echoed(backend, dtype, array)


def _plain(dtype: str) -> Iterator[Host]:
    """Yield a tensor of each kind of shape, and the values that are easily lost."""
    target = host_dtype(dtype)
    for shape in _SHAPES:
        yield np.arange(np.prod(shape, dtype=np.int64)).reshape(shape).astype(target)
    if dtypes.is_floating(dtype):
        yield np.array([np.nan, -0.0, np.inf, -np.inf, 0.5]).astype(target)
    elif dtypes.is_complex(dtype):
        yield np.array([complex(np.nan, -0.0), complex(-0.0, np.inf), 0.5 - 2j]).astype(target)
    elif dtypes.is_integral(dtype):
        yield np.array([np.iinfo(target).min, np.iinfo(target).max], target)


def _echoed(backend: Backend, dtype: str, sent: Host) -> None:
    name = backend.capabilities.name
    what = f"{dtype}{list(sent.shape)}"
    outcome = _performed(backend, called(IDENTITY, {"input": TensorValue.of(sent, dtype)}, ("input",)))
    if outcome.unsupported:
        raise BackendUnusable(
            f"{name} declares {dtype}, but answers {IDENTITY} of {what} with an"
            f" unsupported {outcome.unsupported.kind} ({outcome.unsupported.message}); support it or do not declare it"
        )
    if outcome.raised:
        raise BackendUnusable(f"{name} cannot take {what} in and return it: {outcome.raised}")
    if len(outcome.results) != 1 or not isinstance(outcome.results[0], Array):
        raise BackendUnusable(f"{name} takes {what} in and returns {outcome.results!r}, not one tensor")
    _same(name, what, sent, dtype, outcome.results[0])


def _same(name: str, what: str, sent: Host, dtype: str, came: Array) -> None:
    if came.dtype != dtype:
        raise BackendUnusable(f"{name} takes {what} in and returns {came.dtype}")
    if came.shape != sent.shape:
        raise BackendUnusable(f"{name} takes {what} in and returns shape {list(came.shape)}")
    if _text(came.array) != _text(sent):
        raise BackendUnusable(f"{name} takes {dtype} {_text(sent)} in and returns {_text(came.array)}")


def _text(array: Host) -> str:
    """Return an array as text, with the signs of zeros; all NaNs look the same."""
    values = array.tolist() if array.dtype.kind in "biuc" else array.astype(np.float64).tolist()
    return repr(values)


def _reports_an_unknown_op(backend: Backend) -> None:
    name = backend.capabilities.name
    outcome = _performed(backend, called(_NO_SUCH_OP, _tensors(backend, "input"), ("input",)))
    if outcome.unsupported is None:
        raise BackendUnusable(f"{name} answers {_NO_SUCH_OP} with {_brief(outcome)}, not that the op is unsupported")


def _reports_an_invalid_call(backend: Backend) -> None:
    """Multiply two matrices whose shapes do not match: that may be unsupported, but must not return a result."""
    name = backend.capabilities.name
    outcome = _performed(backend, called("torch.mm", _tensors(backend, "input", "mat2"), ("input", "mat2")))
    if outcome.raised is None and outcome.unsupported is None:
        raise BackendUnusable(f"{name} multiplies a 2x3 matrix by a 2x3 matrix: {_brief(outcome)}, not an error")


def _tensors(backend: Backend, *names: str) -> dict[str, TensorValue]:
    dtype = next(iter(backend.capabilities.dtypes), "float32")
    return {name: TensorValue.of(np.ones((2, 3), host_dtype(dtype)), dtype) for name in names}


def _brief(outcome: Outcome) -> str:
    if outcome.raised:
        return f"the error {outcome.raised}"
    if outcome.unsupported:
        return f"an unsupported {outcome.unsupported.kind}"
    return ", ".join(repr(each.array.tolist()) if isinstance(each, Array) else repr(each) for each in outcome.results)


def _performed(backend: Backend, case: Case) -> Outcome:
    name = backend.capabilities.name
    try:
        return backend.perform(case)
    except ProcessError as error:
        said = f"; it said:\n{error.stderr_tail}" if error.stderr_tail else ""
        raise BackendUnusable(f"{name}, on {case.op}: {error.message}{said}") from error
    except Exception as error:
        raise BackendUnusable(
            f"{name} raises {type(error).__name__} on {case.op}: {error}; an adapter returns failures as outcomes"
        ) from error
