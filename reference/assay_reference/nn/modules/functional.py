"""Modules that are a function with its options kept."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar, Final

from assay_reference.core.parameters import bound
from assay_reference.nn.modules.module import Module

# What a module says by itself: whether it is in training, and where its caller is, for warnings.
BY_ITSELF: Final[dict[str, Callable[[Module], Any]]] = {
    "training": lambda module: module.training,
    "_stacklevel": lambda module: 5,
}


class Functional(Module):
    """A module that keeps the options of a function, and calls it.

    What the module is constructed with are the function's own parameters, except its inputs.
    """

    function: ClassVar[Callable[..., Any]]
    inputs: ClassVar[tuple[str, ...]] = ("input",)  # of the function, which are not options
    options: ClassVar[tuple[str, ...] | None] = None  # where others than all, or in another order
    shown: ClassVar[tuple[str, ...] | None] = None  # in the repr: all, and inplace where it is on
    by_itself: ClassVar[tuple[str, ...]]
    __signature__: ClassVar[inspect.Signature]

    def __init_subclass__(cls, *, function: Callable[..., Any] | None = None) -> None:
        super().__init_subclass__()
        if function is None:
            return
        cls.function = staticmethod(function)
        parameters = inspect.signature(function).parameters
        names = cls.options or [name for name in parameters if name not in (*cls.inputs, *BY_ITSELF, "out")]
        options = (parameters[name] for name in names)
        cls.__signature__ = inspect.Signature([each.replace(kind=each.POSITIONAL_OR_KEYWORD) for each in options])
        cls.by_itself = tuple(name for name in BY_ITSELF if name in parameters)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self._keep(**bound(f"{type(self).__name__}.__init__", self.__signature__, args, kwargs))

    def _keep(self, **options: Any) -> None:
        """Keep the options as attributes."""
        for name, value in options.items():
            setattr(self, name, value)

    def forward(self, *inputs: Any, **named: Any) -> Any:
        options = {name: getattr(self, name) for name in self.__signature__.parameters if hasattr(self, name)}
        options |= {name: BY_ITSELF[name](self) for name in self.by_itself}
        return type(self).function(*inputs, **named, **options)

    def extra_repr(self) -> str:
        names = self.shown
        if names is None:
            names = tuple(each for each in self.__signature__.parameters if each != "inplace" or self.inplace)
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
