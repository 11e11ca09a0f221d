"""What the annotations of a kernel's parameters say, and how a call's arguments are bound to them."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from assay_reference.core.tensor import Tensor

MISSING: Final = object()

# The words of a kernel's annotations, and what each lets a caller pass.
ARRAY: Final = "Array"  # a tensor
MASK: Final = "Mask"  # a tensor of truth values, which takes no part in promotion
ARRAYS: Final = "Sequence[Array]"  # several tensors
NUMBER: Final = "Number"  # with Array: a Python number will do as well
SCALAR: Final = "Scalar"  # a Python number, which an elementwise kernel gets in the common type
SIZES: Final = "Sizes"  # integers, in a sequence or unpacked

# NumPy's names of parameters, and PyTorch's, which takes both.
NUMPY_NAMES: Final = {
    "axis": "dim",
    "keepdims": "keepdim",
    "x": "input",
    "a": "input",
    "x1": "input",
    "x2": "other",
}


class Parameters:
    """The parameters of a kernel."""

    def __init__(self, kernel: Callable[..., Any], name: str, former: Sequence[str] = ()) -> None:
        self.name = name
        # PyTorch's own functions in Python take no name but their own.
        self.takes_numpy_names = not kernel.__module__.startswith("assay_reference.nn.")
        self.former = former  # the order in which PyTorch once took them, and still does with a warning
        parameters = inspect.signature(kernel).parameters.values()
        words = [str(each.annotation).split(" | ") for each in parameters]
        self.names = [each.name for each in parameters]
        self.index = {each: position for position, each in enumerate(self.names)}
        self.defaults = [MISSING if each.default is each.empty else each.default for each in parameters]
        self.required = [position for position, default in enumerate(self.defaults) if default is MISSING]
        self.positional = sum(each.kind is not each.KEYWORD_ONLY for each in parameters)
        self.operands = [position for position, word in enumerate(words) if {ARRAY, MASK, ARRAYS} & set(word)]
        self.masks = frozenset(position for position, word in enumerate(words) if MASK in word)
        self.lists = frozenset(position for position, word in enumerate(words) if ARRAYS in word)
        self.takes_number = frozenset(position for position, word in enumerate(words) if NUMBER in word)
        self.scalars = [position for position, word in enumerate(words) if SCALAR in word]
        self.takes_none = frozenset(position for position, word in enumerate(words) if "None" in word)
        first = next((position for position in self.operands if position not in self.masks), 0)
        if first in self.takes_number:
            self.index.setdefault("self", first)  # PyTorch's name of an input that is a number
        self.sizes = next((position for position, word in enumerate(words) if SIZES in word), None)
        if not self.operands:
            raise TypeError(f"{name}: no parameter of the kernel is annotated Array")

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any], *, method: bool = False) -> list[Any]:
        """Return a call's arguments in the kernel's order, the operands among them checked."""
        if self.former and self._is_former(args, kwargs):
            args, kwargs = self._from_former(args, kwargs)
        if len(args) > self.positional or (self.sizes is not None and len(args) > self.sizes):
            args = self._gathered(args, method)
        values = [*args, *self.defaults[len(args) :]]
        for name, value in kwargs.items():
            position = self.index.get(name)
            if position is None:
                position = self._numpy_position(name, args, kwargs)
            if position is None:
                self._check_complete(args, kwargs)
                raise TypeError(f"{self.name}() got an unexpected keyword argument '{name}'")
            if position < len(args):
                raise TypeError(f"{self.name}() got multiple values for argument '{name}'")
            values[position] = value
        for position in self.operands:
            if not isinstance(values[position], Tensor) or position in self.lists:
                values[position] = self._operand(position, values[position], position + (not method))
        if self.required and len(args) <= self.required[-1]:
            self._check_complete(args, kwargs)
        return values

    def _numpy_position(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int | None:
        """Return the position of the parameter that NumPy calls so, unless it was given already."""
        if not self.takes_numpy_names:
            return None
        own = NUMPY_NAMES.get(name)
        position = self.index.get(own) if own else None
        if position is None or position < len(args) or own in kwargs:
            return None
        same = [each for each in kwargs if NUMPY_NAMES.get(each) == own and each not in self.index]
        return position if same == [name] else None

    def _is_former(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
        """Return whether a call is complete in the former order, with a number where it once stood."""
        complete = len(args) + len(kwargs) == len(self.former) and self.former[1] not in kwargs
        return complete and len(args) > 1 and not isinstance(args[1], Tensor)

    def _from_former(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """Name the arguments of a call in the former order, and warn."""
        shown = {
            name: f"{'Tensor' if position in self.operands else 'Number'} {name}"
            for name, position in self.index.items()
        }
        now = [shown[name] for name in self.names[: self.positional]]
        options = [f"{shown[name]} = {self.defaults[self.index[name]]}" for name in self.names[self.positional :]]
        warnings.warn(
            f"This overload of {self.name} is deprecated:\n"
            f"\t{self.name}({', '.join(shown[name] for name in self.former)}, *, Tensor out = None)\n"
            "Consider using one of the following signatures instead:\n"
            f"\t{self.name}({', '.join([*now, '*', *options])}, Tensor out = None)",
            UserWarning,
            stacklevel=4,
        )
        return args[:1], {**dict(zip(self.former[1:], args[1:], strict=False)), **kwargs}

    def _gathered(self, args: Sequence[Any], method: bool) -> Sequence[Any]:
        """Collect sizes that were unpacked into the arguments."""
        if self.sizes is None or len(args) <= self.sizes:
            takes, given = self.positional - method, len(args) - method
            raise TypeError(
                f"{self.name}() takes {takes} positional argument{'s' * (takes != 1)} "
                f"but {given} {'were' if given != 1 else 'was'} given"
            )
        before, sizes = args[: self.sizes], args[self.sizes :]
        if isinstance(sizes[0], (tuple, list)):
            return (*before, tuple(sizes[0]), *sizes[1:])
        return (*before, tuple(sizes))

    def _check_complete(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        given = {
            *range(len(args)),
            *(self.index.get(name, self._numpy_position(name, args, kwargs)) for name in kwargs),
        }
        absent = next((position for position in self.required if position not in given), None)
        if absent is not None:  # PyTorch lists all that come after it too, and puts the plural where it is not one
            listed = [f'"{self.names[position]}"' for position in self.required if position >= absent]
            plural = "s" if len(listed) == 1 else ""
            raise TypeError(
                f"{self.name}() missing {len(listed)} required positional argument{plural}: {', '.join(listed)}"
            )

    def _operand(self, position: int, value: Any, ordinal: int) -> Any:
        """Return what may stand for a tensor, or raise what is wrong with it."""
        if value is MISSING or (value is None and position in self.takes_none):
            return value
        if position in self.lists and isinstance(value, (tuple, list)):
            for number, each in enumerate(value):
                if not isinstance(each, Tensor):
                    raise TypeError(
                        f"expected Tensor as element {number} in argument {ordinal - 1}, but got {type(each).__name__}"
                    )
            return tuple(value)
        if position in self.takes_number:
            if isinstance(value, (bool, int, float, complex)):
                return value
            if isinstance(value, np.generic):
                return value.item()
        wanted = "tuple of Tensors" if position in self.lists else "Tensor"
        raise TypeError(
            f"{self.name}(): argument '{self.names[position]}' (position {ordinal}) must be {wanted}, "
            f"not {type(value).__name__}"
        )


def bound(name: str, signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by name, with the defaults of those that were left out."""
    try:
        given = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{name}() {error}") from None
    given.apply_defaults()
    return given.arguments
