"""The options of optimizers and schedulers: the parameters of __init__, declared there and nowhere else."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Final, TypeVar

from assay_reference.core.tensor import Tensor

Init = TypeVar("Init", bound=Callable[..., None])

# The options that may not be negative, and what messages call them.
NOT_NEGATIVE: Final = {
    "lr": "learning rate",
    "eps": "epsilon value",
    **{name: f"{name} value" for name in ("momentum", "weight_decay", "lr_decay", "initial_accumulator_value")},
}


def keeps_options(init: Init) -> Init:
    """Let the base class take up what an __init__ is called with; its body may refuse options.

    The base class has a method `_begin`, which takes the first argument and a dictionary of the options.
    """
    signature = inspect.signature(init)

    @functools.wraps(init)
    def initialize(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        given = signature.bind(self, *args, **kwargs)
        given.apply_defaults()
        _, subject, *_ = given.arguments.values()
        self._begin(subject, dict(list(given.arguments.items())[2:]))

    return initialize  # type: ignore[return-value]


def check_options(options: dict[str, Any]) -> None:
    """Refuse options that are out of range."""
    if isinstance(options.get("lr"), Tensor) and options["lr"].numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    for name, value in options.items():
        if name in NOT_NEGATIVE and not value >= 0:
            raise ValueError(f"Invalid {NOT_NEGATIVE[name]}: {value}")
        for index, beta in enumerate(value if name == "betas" else ()):
            if not 0 <= beta < 1:
                raise ValueError(f"Invalid beta parameter at index {index}: {beta}")
    if options.get("fused") and options.get("differentiable"):
        raise RuntimeError("`fused` does not support `differentiable`")
    if options.get("fused") and options.get("foreach"):
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def scalar(option: Any) -> Any:
    """Return an option that may be a tensor of one element without its dimensions."""
    return option.squeeze() if isinstance(option, Tensor) else option
