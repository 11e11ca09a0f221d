"""Whether operations are recorded: the switches, which hold in a with block, in a decorated function, in one thread."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Generator, Mapping
from contextvars import ContextVar
from typing import Any, ClassVar, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

recording: ContextVar[bool] = ContextVar("recording", default=True)
inference: ContextVar[bool] = ContextVar("inference", default=False)

DECORATED_CLASS = (
    "Decorating classes is deprecated and will be disabled in future versions. You should only decorate functions or "
    "methods. To preserve the current behavior of class decoration, you can directly decorate the `__init__` method "
    "and nothing else."
)


class _Switch:
    """A setting that holds inside a with block, or while a decorated function runs."""

    switches: ClassVar[Mapping[ContextVar[bool], bool]] = {}

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        switch = super().__new__(cls)
        if function is None:
            return switch
        switch.__init__()  # type: ignore[misc]  # used without parentheses, as @torch.no_grad
        return switch(function)

    def __init__(self) -> None:
        self._before: dict[ContextVar[bool], bool] = {}

    def settings(self) -> Mapping[ContextVar[bool], bool]:
        """Return what each variable is set to."""
        return self.switches

    def clone(self) -> Any:
        """Return another switch like this one."""
        return type(self)()

    def __enter__(self) -> None:
        self._before = {variable: variable.get() for variable in self.settings()}
        _set(self.settings())

    def __exit__(self, *exception: object) -> None:
        _set(self._before)

    def __call__(self, function: Function) -> Function:
        if inspect.isclass(function):
            warnings.warn(DECORATED_CLASS, FutureWarning, stacklevel=2)
        if inspect.isgeneratorfunction(function):
            return _resumed(self, function)  # type: ignore[return-value]

        @functools.wraps(function)
        def switched(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return function(*args, **kwargs)

        return switched  # type: ignore[return-value]


def _set(values: Mapping[ContextVar[bool], bool]) -> None:
    for variable, value in values.items():
        variable.set(value)


def _resumed(switch: _Switch, function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a generator function: the switch is on while the generator runs, and not between its values."""

    @functools.wraps(function)
    def generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        inner = function(*args, **kwargs)
        resume: Callable[[], Any] = functools.partial(next, inner)
        while True:
            try:
                with switch.clone():
                    value = resume()
            except StopIteration as stop:
                return stop.value
            try:
                resume = functools.partial(inner.send, (yield value))
            except GeneratorExit:
                with switch.clone():
                    inner.close()
                raise
            except BaseException as error:  # whatever is thrown in is for the generator inside
                resume = functools.partial(inner.throw, error)

    return generator


class no_grad(_Switch):
    """Record nothing."""

    switches: ClassVar = {recording: False}


class enable_grad(_Switch):
    """Record, also inside a no_grad."""

    switches: ClassVar = {recording: True}


class inference_mode(_Switch):
    """Record nothing, and make tensors that can never be recorded."""

    def __new__(cls, mode: bool | Callable[..., Any] = True) -> Any:
        return super().__new__(cls, mode if callable(mode) else None)

    def __init__(self, mode: bool | Callable[..., Any] = True) -> None:
        super().__init__()
        self.mode = bool(mode)

    def settings(self) -> Mapping[ContextVar[bool], bool]:
        return {recording: not self.mode, inference: self.mode}

    def clone(self) -> inference_mode:
        switch: inference_mode = inference_mode(self.mode)
        return switch


class set_grad_enabled(_Switch):
    """Switch recording on or off: at once, and back again at the end of a with block; as a decorator, not at once."""

    def __new__(cls, mode: bool) -> Any:
        return super().__new__(cls)

    def __init__(self, mode: bool) -> None:
        super().__init__()
        if not isinstance(mode, bool):
            raise TypeError(
                f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}"
            )
        self.mode = mode
        self._before = {recording: recording.get()}
        recording.set(mode)

    def settings(self) -> Mapping[ContextVar[bool], bool]:
        return {recording: self.mode}

    def clone(self) -> set_grad_enabled:
        switch: set_grad_enabled = set_grad_enabled(self.mode)
        return switch

    def __enter__(self) -> None:
        recording.set(self.mode)

    def __call__(self, function: Function) -> Function:
        _set(self._before)
        return super().__call__(function)


def is_grad_enabled() -> bool:
    """Return whether recording is switched on."""
    return recording.get()


def records() -> bool:
    """Return whether operations are recorded here: in inference mode none are, whatever enable_grad says inside."""
    return recording.get() and not inference.get()


def is_inference_mode_enabled() -> bool:
    """Return whether inference_mode is on."""
    return inference.get()
