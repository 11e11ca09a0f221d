"""Values as spec files write them: a list is a tensor, a mapping a tensor with its dtype and layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from assay.cases.arrays import Host, host_dtype
from assay.cases.calls import unpacked_of
from assay.cases.case import Case, TensorValue, made, method_call
from assay_spec import dtypes
from assay_spec.domains import Dtype
from assay_spec.model import Op, Overload
from assay_spec.plans import Slice
from assay_spec.steps import Step, Value


def inferred(written: Any) -> str:
    """Return the dtype that PyTorch infers for a nested list."""
    kinds = {type(each) for each in _leaves(written)}
    if kinds == {bool}:
        return "bool"
    if str in kinds:
        return "complex64"
    return "int64" if kinds and kinds <= {int, bool} else dtypes.DEFAULT_FLOAT


def _leaves(written: Any) -> list[Any]:
    if isinstance(written, list):
        return [leaf for each in written for leaf in _leaves(each)]
    return [written]


def array(written: Any, dtype: str) -> Host:
    """Return an array from a nested list; complex numbers are written as strings."""
    if dtypes.is_complex(dtype):
        return np.array(_parsed(written), dtype=host_dtype(dtype))
    return np.array(written, dtype=np.float64 if dtypes.is_floating(dtype) else None).astype(host_dtype(dtype))


def _parsed(written: Any) -> Any:
    return [_parsed(each) for each in written] if isinstance(written, list) else complex(str(written).replace(" ", ""))


def tensor(written: Any, dtype: str | None = None) -> TensorValue:
    """Return a tensor from a nested list, or from a mapping with more details."""
    if not isinstance(written, Mapping):
        name = dtype or inferred(written)
        return TensorValue.of(array(written, name), name)
    name = written.get("dtype", dtype or inferred(written["tensor"]))
    elements = array(written["tensor"], name)
    if "shape" in written:
        elements = elements.reshape(written["shape"])
    return TensorValue.of(elements, name, requires_grad=written.get("requires_grad", False))


def argument(overload: Overload, name: str, written: Any) -> Value:
    """Read one argument of a call written in a spec file."""
    if isinstance(written, Mapping):
        return Slice(*written["slice"]) if "slice" in written else tensor(written)
    found = next((each for each in overload.arguments if each.name == name), None)
    kinds = set() if found is None else {each.removeprefix("given.").removeprefix("maybe.") for each in found.kinds}
    if isinstance(written, list) and "many.tensor" in kinds:
        return tuple(tensor(each) for each in written)
    if (isinstance(written, list) and "tensor" in kinds) or (kinds == {"tensor"}):
        return tensor(written)
    if isinstance(written, list):
        return tuple(plain(each) for each in written)
    return plain(written, name)


def plain(written: Any, name: str = "") -> Value:
    """Read a value that is a tensor only where it says so."""
    if isinstance(written, Mapping):
        return Slice(*written["slice"]) if "slice" in written else tensor(written)
    if isinstance(written, list):
        return [plain(each) for each in written]
    if written == "...":
        return Ellipsis
    if name == "dtype" and isinstance(written, str):
        return Dtype(written)
    return written


def case(op: Op, overload: Overload, written: Mapping[str, Any], **more: Any) -> Case:
    """Return the case of a call written in a spec file, which includes the arguments and state of an object."""
    maker = overload.construct
    signature = overload.signature
    arguments = {name: argument(overload, name, written[name]) for name in signature.names if name in written}
    positional = tuple(name for name in signature.positional if name in arguments and signature[name].required)
    unpacked = unpacked_of(signature, arguments, positional)
    if maker is None:
        return Case(op.name, (Step(op.name, arguments, positional, op.form, unpacked=unpacked),), **more)
    rules = [rule.name for rule in (*maker.parameters, *maker.buffers)]
    # `bias: false` is the constructor's argument, `bias: [0.5]` the parameter of that name.
    state = {name: tensor(written[name]) for name in rules if not isinstance(written.get(name, False), bool)}
    given = {
        name: plain(written[name], name) for name in maker.signature.names if name in written and name not in state
    }
    steps = made(op.name, given, state, training=written.get("training", True))
    return Case(op.name, (*steps, method_call(arguments, positional, unpacked=unpacked)), **more)
