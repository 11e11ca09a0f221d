"""Schedulers: learning rates that change from step to step."""

from __future__ import annotations

import math
import types
import warnings
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

from assay_reference.core.tensor import Tensor
from assay_reference.optim.optimizer import Optimizer
from assay_reference.optim.options import keeps_options, scalar

_EPOCH: Final = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. Please use "
    "`scheduler.step()` to step the scheduler. During the deprecation, if epoch is different from None, the closed "
    "form is used instead of the new chainable form, where available. Please open an issue if you are unable to "
    "replicate your use case: https://github.com/pytorch/pytorch/issues/new/choose."
)
_HOW_TO: Final = "https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"
_OVERRIDDEN: Final = (
    "Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. Please, make sure "
    f"to call `optimizer.step()` before `lr_scheduler.step()`. See more details at {_HOW_TO}"
)
_TOO_EARLY: Final = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. In PyTorch 1.1.0 and later, you should call "
    "them in the opposite order: `optimizer.step()` before `lr_scheduler.step()`.  Failure to do this will result in "
    f"PyTorch skipping the first value of the learning rate schedule. See more details at {_HOW_TO}"
)
_NOT_RESUMABLE: Final = (
    "param 'initial_lr' is not specified in param_groups[{}] when resuming scheduler with last_epoch >= 0.\n"
    "This typically happens when:\n"
    "1. You're trying to resume training from a checkpoint but haven't properly loaded the optimizer state\n"
    "2. You're using last_epoch >= 0 for a fresh training run (not recommended)"
)


class LRScheduler:
    """Sets the learning rate of each group after each step.

    A subclass declares its options as the parameters of an __init__ that `keeps_options`, and says in `multiplier` what
    the rates are multiplied by at a step, or in `get_lr` what they become. In `closed_form` it may say what becomes of
    a rate at the start.
    """

    _get_lr_called_within_step = False
    _is_initial = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = _checked(optimizer)
        for index, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(_NOT_RESUMABLE.format(index))
        self.base_lrs = [_copied(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        if not hasattr(optimizer, "_has_stepped"):  # since there is a scheduler
            vars(optimizer)["_has_stepped"] = False
            optimizer.register_step_pre_hook(_note_step)
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def _begin(self, optimizer: Optimizer, options: dict[str, Any]) -> None:
        """Start with the options that a subclass was constructed with."""
        last_epoch = options.pop("last_epoch")
        vars(self).update(options)
        LRScheduler.__init__(self, optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the rates of the step that has just begun."""
        self._warn_outside_of_step()
        multiplier = self.multiplier()
        return [group["lr"] * multiplier for group in self.optimizer.param_groups]

    def multiplier(self) -> float:
        """Return what the rates are multiplied by at the step that has just begun."""
        raise NotImplementedError

    closed_form: Callable[[Any], Any] | None = None

    def get_last_lr(self) -> list[Any]:
        """Return the rates that were set last."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go on to the next step, or to any, and set the rates."""
        if self._step_count == 1:
            if "step" in vars(self.optimizer) or not hasattr(self.optimizer, "_has_stepped"):
                warnings.warn(_OVERRIDDEN, UserWarning, stacklevel=2)
            elif not self.optimizer._has_stepped:
                warnings.warn(_TOO_EARLY, UserWarning, stacklevel=2)
        self._step_count += 1
        if epoch is not None:
            warnings.warn(_EPOCH, UserWarning, stacklevel=2)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._get_lr_called_within_step = True
        try:
            if epoch is not None and self.closed_form is not None:
                rates = [self.closed_form(each) for each in self.base_lrs]
            else:
                rates = self.get_lr()
        finally:
            self._get_lr_called_within_step = False
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            _set_rate(group, rate)
        self._last_lr = self._rates()

    def _rates(self) -> list[Any]:
        return [_copied(group["lr"]) for group in self.optimizer.param_groups]

    def _warn_outside_of_step(self) -> None:
        if not self._get_lr_called_within_step:
            message = "To get the last learning rate computed by the scheduler, please use `get_last_lr()`."
            warnings.warn(message, UserWarning, stacklevel=3)

    def state_dict(self) -> dict[str, Any]:
        """Return all that the scheduler keeps, but its optimizer."""
        return {key: value for key, value in vars(self).items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what a scheduler saved."""
        vars(self).update(state_dict)


class StepLR(LRScheduler):
    """The learning rate multiplied by gamma every step_size steps."""

    step_size: int
    gamma: float

    @keeps_options
    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None: ...

    def multiplier(self) -> float:
        return self.gamma if self.last_epoch != 0 and self.last_epoch % self.step_size == 0 else 1

    def closed_form(self, base: Any) -> Any:
        return base * self.gamma ** (self.last_epoch // self.step_size)


class MultiStepLR(LRScheduler):
    """The learning rate multiplied by gamma at each milestone."""

    milestones: Counter[int]
    gamma: float

    @keeps_options
    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None: ...

    def _begin(self, optimizer: Optimizer, options: dict[str, Any]) -> None:
        super()._begin(optimizer, {**options, "milestones": Counter(options["milestones"])})

    def multiplier(self) -> float:
        return self.gamma ** self.milestones[self.last_epoch] if self.last_epoch in self.milestones else 1

    def closed_form(self, base: Any) -> Any:
        return base * self.gamma ** bisect_right(sorted(self.milestones.elements()), self.last_epoch)


class ExponentialLR(LRScheduler):
    """The learning rate multiplied by gamma at every step."""

    gamma: float

    @keeps_options
    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None: ...

    def multiplier(self) -> float:
        return 1 if self._is_initial else self.gamma

    def closed_form(self, base: Any) -> Any:
        return base * self.gamma**self.last_epoch


class LambdaLR(LRScheduler):
    """The learning rate at the start, multiplied by a function of the number of steps."""

    lr_lambdas: list[Callable[[int], float]]

    @keeps_options
    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None: ...

    def _begin(self, optimizer: Optimizer, options: dict[str, Any]) -> None:
        given, groups = options["lr_lambda"], len(optimizer.param_groups)
        if not isinstance(given, (list, tuple)):
            given = [given] * groups
        elif len(given) != groups:
            raise ValueError(f"Expected {groups} lr_lambdas, but got {len(given)}")
        super()._begin(optimizer, {"lr_lambdas": list(given), "last_epoch": options["last_epoch"]})

    def get_lr(self) -> list[Any]:
        self._warn_outside_of_step()
        return [base * each(self.last_epoch) for each, base in zip(self.lr_lambdas, self.base_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Return all that the scheduler keeps; of functions, what callable objects hold."""
        held = [None if isinstance(each, types.FunctionType) else vars(each).copy() for each in self.lr_lambdas]
        kept = {key: value for key, value in super().state_dict().items() if key != "lr_lambdas"}
        return {**kept, "lr_lambdas": held}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what a scheduler saved; functions stay, and callable objects take up what they held."""
        vars(self).update({key: value for key, value in state_dict.items() if key != "lr_lambdas"})
        for each, held in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=False):
            if held is not None:
                vars(each).update(held)


class CosineAnnealingLR(LRScheduler):
    """The learning rate led down to eta_min, and up again, along half a cosine of T_max steps each."""

    T_max: int
    eta_min: float

    @keeps_options
    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None: ...

    def get_lr(self) -> list[Any]:
        self._warn_outside_of_step()
        groups = self.optimizer.param_groups
        if self._is_initial:
            return self._rates()
        if self._step_count == 1 and self.last_epoch > 0:
            return [self.closed_form(each) for each in self.base_lrs]
        before = 1 + math.cos(math.pi * (self.last_epoch - 1) / self.T_max)
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # up again, from the lowest
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            pairs = zip(groups, self.base_lrs, strict=True)
            return [group["lr"] + (base - self.eta_min) * rise for group, base in pairs]
        ratio = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / before
        return [ratio * (group["lr"] - self.eta_min) + self.eta_min for group in groups]

    def closed_form(self, base: Any) -> Any:
        height = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
        return self.eta_min + (base - self.eta_min) * height


class ReduceLROnPlateau(LRScheduler):
    """The learning rate multiplied by a factor when a metric has not improved for some steps."""

    def __init__(
        self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10,
        threshold: float = 1e-4, threshold_mode: str = "rel", cooldown: int = 0, min_lr: list[float] | float = 0,
        eps: float = 1e-8,
    ) -> None:  # fmt: skip
        if factor >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        self.factor = factor
        self.optimizer = _checked(optimizer)
        groups = len(optimizer.param_groups)
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = list(min_lr) if isinstance(min_lr, (list, tuple)) else [min_lr] * groups
        if len(self.min_lrs) != groups:
            raise ValueError(f"expected {groups} min_lrs, got {len(self.min_lrs)}")
        self.patience, self.cooldown, self.eps = patience, cooldown, eps
        self.last_epoch = 0
        self._last_lr = self._rates()
        self._judge_by(mode, threshold, threshold_mode)
        self._reset()

    def _judge_by(self, mode: str, threshold: float, threshold_mode: str) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode

    def _reset(self) -> None:
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    @property
    def in_cooldown(self) -> bool:
        """Whether steps without improvement do not count yet."""
        return self.cooldown_counter > 0

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Go on to the next step, and lower the rates if the metric has stopped improving."""
        current = float(metrics)
        if epoch is not None:
            warnings.warn(_EPOCH, UserWarning, stacklevel=2)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._improves(current):
            self.best, self.num_bad_epochs = current, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = self._rates()

    def _improves(self, metric: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "rel":
            due = self.best * (1 + sign * self.threshold)
        else:
            due = self.best + sign * self.threshold
        return metric < due if self.mode == "min" else metric > due

    def _reduce(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"The number of param groups in the `optimizer` ({len(groups)}) differs from when "
                    f"`ReduceLROnPlateau` was initialized ({len(self.min_lrs)}), usually due to a new param group "
                    "being added to the optimizer. Please modify the `min_lrs` field to match the length of the "
                    "`optimizer` param groups."
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least in zip(groups, self.min_lrs, strict=True):
            rate = float(group["lr"])
            reduced = max(rate * self.factor, least)
            if rate - reduced > self.eps:
                _set_rate(group, reduced)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what a scheduler saved."""
        super().load_state_dict(state_dict)
        self._judge_by(self.mode, self.threshold, self.threshold_mode)


def _checked(optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer


def _note_step(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
    vars(optimizer)["_has_stepped"] = True


def _copied(rate: Any) -> Any:
    return rate.clone() if isinstance(rate, Tensor) else rate


def _set_rate(group: dict[str, Any], rate: Any) -> None:
    """Set the rate of a group; one that is a tensor stays the same tensor."""
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(scalar(rate))
    else:
        group["lr"] = rate
