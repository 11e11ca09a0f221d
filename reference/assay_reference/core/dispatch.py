"""The decorators that make ops of formulas, and offer them as functions, methods and operators.

An op is written as a formula on arrays, with a decorator that says what kind of op it is and a gradient rule below it:
docs/reference.md shows how.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, TypeVar

from assay_reference.core.arrays import Array
from assay_reference.core.grad_mode import records
from assay_reference.core.history import check_writable
from assay_reference.core.op import Elementwise, Op, Promotes, ViewOp, not_implemented, signature_of
from assay_reference.core.parameters import NUMPY_NAMES
from assay_reference.core.tensor import Tensor, attach
from assay_reference.core.writing import (
    EXPECTED,
    OutType,
    OutTypes,
    broadcast_shape,
    cast,
    check_cast,
    check_out,
    check_own,
    fill_out,
    write,
)

__all__ = [
    "FUNCTIONS",
    "Kernel",
    "Mask",
    "Number",
    "Scalar",
    "Sizes",
    "also_called",
    "attach",
    "broadcast_shape",
    "cast",
    "check_cast",
    "check_out",
    "check_writable",
    "composite",
    "elementwise",
    "fill_out",
    "not_implemented",
    "op",
    "view",
    "write",
]

# What the annotations of kernels mean to a type checker: numbers arrive as NumPy's.
Number: TypeAlias = Any
Scalar: TypeAlias = Any
Sizes: TypeAlias = Sequence[int]
Mask: TypeAlias = Array
Kernel: TypeAlias = Callable[..., Any]
Function = TypeVar("Function", bound=Callable[..., Any])

COMMUTATIVE: Final = {"add", "mul", "and", "or", "xor"}
REFLECTED: Final = {"floordiv", "mod", "pow", "lshift", "rshift"}  # the operand on the right is the first one
FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {}  # the functions of the namespace, by name


def elementwise(
    *,
    promotes: Promotes,
    function: bool = True,
    method: bool = True,
    in_place: bool = True,
    out: OutTypes | None = "castable",
    operator: str | None = None,
    **options: Any,
) -> Callable[[Callable[..., Any]], Elementwise]:
    """Make an op of a formula for one element."""

    def decorate(kernel: Callable[..., Any]) -> Elementwise:
        made = Elementwise(kernel, promotes=promotes, out=out, **options)
        _attach(made, function=function, method=method, in_place=in_place, operator=operator)
        return made

    return decorate


def op(
    *,
    function: bool = True,
    method: bool = True,
    in_place: bool = False,
    out: OutTypes | None = None,
    operator: str | None = None,
    **options: Any,
) -> Callable[[Callable[..., Any]], Op]:
    """Make an op of a kernel that returns a new array, or a tuple of them."""

    def decorate(kernel: Callable[..., Any]) -> Op:
        made = Op(kernel, out=out, **options)
        _attach(made, function=function, method=method, in_place=in_place, operator=operator)
        return made

    return decorate


def view(*, function: bool = True, method: bool = True, **options: Any) -> Callable[[Callable[..., Any]], ViewOp]:
    """Make an op of a kernel that returns a view of its first operand's memory, or a tuple of views."""

    def decorate(kernel: Callable[..., Any]) -> ViewOp:
        made = ViewOp(kernel, **options)
        _attach(made, function=function, method=method, in_place=False, operator=None)
        return made

    return decorate


def composite(
    *,
    function: bool = True,
    method: bool = True,
    out: OutType | None = None,
    name: str | None = None,
    numpy_names: bool = True,
) -> Callable[[Function], Function]:
    """Offer a function on tensors, which calls other ops, as a function, a method, or both.

    It takes NumPy's names of parameters too, unless PyTorch's function is one in Python.
    """

    def decorate(body: Function) -> Function:
        called = name or body.__name__
        body.__name__, body.__qualname__ = called, called if function else f"Tensor.{called}"
        body = _with_numpy_names(body) if numpy_names else body
        offered = _with_out(body, called, out) if out else body
        if function:
            _register(FUNCTIONS, called, offered)
        if method:
            attach(called, body)
        return offered

    return decorate


def _with_numpy_names(body: Function) -> Function:
    """Let a function take NumPy's name of a parameter where its own was not given."""
    places = {each: place for place, each in enumerate(inspect.signature(body).parameters)}
    names = {other: own for other, own in NUMPY_NAMES.items() if own in places and other not in places}
    if not names:
        return body

    @functools.wraps(body)
    def with_numpy_names(*args: Any, **kwargs: Any) -> Any:
        for other in names.keys() & kwargs.keys():
            own = names[other]
            if own not in kwargs and places[own] >= len(args):
                kwargs[own] = kwargs.pop(other)
        return body(*args, **kwargs)

    return with_numpy_names  # type: ignore[return-value]


def _with_out(body: Function, name: str, out_type: OutType) -> Function:
    @functools.wraps(body)
    def with_out(*args: Any, out: Any = None, **kwargs: Any) -> Any:
        if out is None:
            return body(*args, **kwargs)
        check_out(name, out)
        given = [each for each in (*args, *kwargs.values(), out) if isinstance(each, Tensor)]
        if records() and any(each.requires_grad for each in given):
            raise RuntimeError(
                f"{name}(): functions with out=... arguments don't support automatic differentiation, "
                "but one of the arguments requires grad."
            )
        has_dtype = kwargs.get("dtype") is not None
        if out_type == "any" and not has_dtype:
            kwargs["dtype"] = out.dtype
        result = body(*args, **kwargs)
        if out_type == "own" or has_dtype:
            check_own(result.dtype, out, EXPECTED)
        fill_out(out, result._array)
        return out

    with_out.__signature__ = signature_of(body, out=True)  # type: ignore[attr-defined]
    return with_out  # type: ignore[return-value]


def _attach(made: Op, *, function: bool, method: bool, in_place: bool, operator: str | None) -> None:
    """Offer an op under all its names."""
    if function:
        _register(FUNCTIONS, made.name, made)
    if method:
        attach(made.name, _method(made))
    if in_place:
        attach(f"{made.name}_", _in_place_method(made))
    if operator is None:
        return
    straight = _operator(made, lambda self, other: [self, other])
    attach(f"__{operator}__", straight)
    if operator in COMMUTATIVE:
        attach(f"__r{operator}__", straight)
    elif operator in REFLECTED:
        attach(f"__r{operator}__", _operator(made, lambda self, other: [other, self]))
    if in_place and operator in COMMUTATIVE | REFLECTED | {"sub", "truediv"}:
        attach(f"__i{operator}__", _in_place_operator(made))


def _register(functions: dict[str, Callable[..., Any]], name: str, function: Callable[..., Any]) -> None:
    if name in functions:
        raise TypeError(f"{name}: defined twice")
    functions[name] = function


def also_called(name: str, of: str) -> None:
    """Offer an op under another name too: the function, the method and the in-place method."""
    _register(FUNCTIONS, name, FUNCTIONS[of])
    attach(name, vars(Tensor)[of])
    attach(f"{name}_", vars(Tensor)[f"{of}_"])


def _method(made: Op) -> Callable[..., Any]:
    def method(*args: Any, **kwargs: Any) -> Any:
        return made.perform(made.bind(args, kwargs, method=True))

    return _described(method, made, made.name)


def _in_place_method(made: Op) -> Callable[..., Any]:
    def in_place(*args: Any, **kwargs: Any) -> Any:
        return made.perform_in_place(made.bind(args, kwargs, method=True))

    return _described(in_place, made, f"{made.name}_")


def _operator(made: Op, order: Callable[[Any, Any], list[Any]]) -> Callable[..., Any]:
    if len(made.operands) == 1 and made.parameters.positional == 1:

        def unary(self: Any) -> Any:
            return made.perform([self, *made.parameters.defaults[1:]])

        return _described(unary, made, made.name)

    def binary(self: Any, other: Any) -> Any:
        try:
            values = made.bind(order(self, other), {}, method=True)
        except TypeError:
            return NotImplemented
        return made.perform(values)

    return _described(binary, made, made.name)


def _in_place_operator(made: Op) -> Callable[..., Any]:
    def in_place(self: Any, other: Any) -> Any:
        try:
            values = made.bind((self, other), {}, method=True)
        except TypeError:
            return NotImplemented
        return made.perform_in_place(values)

    return _described(in_place, made, f"{made.name}_")


def _described(function: Any, made: Op, name: str) -> Callable[..., Any]:
    function.__name__, function.__qualname__ = name, f"Tensor.{name}"
    function.__module__, function.__doc__ = made.kernel.__module__, made.kernel.__doc__
    function.__signature__ = signature_of(made.kernel, out=False)
    result: Callable[..., Any] = function
    return result
