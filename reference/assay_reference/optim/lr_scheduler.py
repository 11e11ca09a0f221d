"""Schedulers: learning rates that change from step to step."""

from __future__ import annotations

from typing import Any

from assay_reference.optim.optimizer import Optimizer
from assay_reference.optim.options import keeps_options


class LRScheduler:
    """Sets the learning rate of each group after each step.

    A subclass declares its options as the parameters of an __init__ that `keeps_options`, and says in `factor` what the
    rates are multiplied by at a step, or in `get_lr` what they become.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        for index, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group["initial_lr"] = group["lr"]
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{index}] when resuming scheduler with "
                    f"last_epoch >= 0."
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._step_count = 0
        self.step()

    def _begin(self, optimizer: Optimizer, options: dict[str, Any]) -> None:
        """Start with the options that a subclass was constructed with."""
        last_epoch = options.pop("last_epoch")
        vars(self).update(options)
        LRScheduler.__init__(self, optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rates of the step that has just begun."""
        factor = self.factor()
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def factor(self) -> float:
        """Return what the rates are multiplied by at the step that has just begun."""
        raise NotImplementedError

    def get_last_lr(self) -> list[float]:
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go on to the next step, and set the rates."""
        self._step_count += 1
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        for group, rate in zip(self.optimizer.param_groups, self.get_lr(), strict=True):
            group["lr"] = rate
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.__dict__.update(state_dict)


class StepLR(LRScheduler):
    """The learning rate multiplied by gamma every step_size steps."""

    step_size: int
    gamma: float

    @keeps_options
    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None: ...

    def factor(self) -> float:
        return self.gamma if self.last_epoch > 0 and self.last_epoch % self.step_size == 0 else 1
