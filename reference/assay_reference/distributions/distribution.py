"""The base of distributions: their shapes, and the validation of parameters and samples."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any

from assay_reference.core.dispatch import FUNCTIONS
from assay_reference.core.dtypes import finfo, get_default_dtype
from assay_reference.core.grad_mode import enable_grad, no_grad
from assay_reference.core.tensor import Size, Tensor
from assay_reference.distributions.constraints import Constraint


class Distribution:
    """A family of distributions: so many independent ones side by side (the batch), of samples of some shape."""

    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__

    def __init__(
        self, batch_shape: Sequence[int] = (), event_shape: Sequence[int] = (), validate_args: bool | None = None
    ) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            for name, constraint in self._constraints_or_none().items():
                if name in vars(self) or not isinstance(getattr(type(self), name, None), lazy):
                    self._check_parameter(name, getattr(self, name), constraint)

    def _constraints_or_none(self) -> Mapping[str, Constraint]:
        try:
            return self.arg_constraints
        except NotImplementedError:
            warnings.warn(
                f"{type(self)} does not define `arg_constraints`. Please set `arg_constraints = {{}}` or initialize "
                "the distribution with `validate_args=False` to turn off validation.",
                stacklevel=3,
            )
            return {}

    def _check_parameter(self, name: str, value: Tensor, constraint: Constraint) -> None:
        if not bool(constraint.check(value).all()):
            raise ValueError(
                f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution "
                f"{self!r} to satisfy the constraint {constraint!r}, but found invalid values:\n{value}"
            )

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Choose whether parameters and samples are validated where a distribution does not say it."""
        if value not in (True, False):
            raise ValueError
        Distribution._validate_args = value

    @property
    def arg_constraints(self) -> Mapping[str, Constraint]:
        """What the parameters must satisfy."""
        raise NotImplementedError

    @property
    def support(self) -> Constraint:
        """What samples satisfy."""
        raise NotImplementedError

    @property
    def batch_shape(self) -> Size:
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        return self._event_shape

    @property
    def mean(self) -> Tensor:
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        raise NotImplementedError(f"{type(self)} does not implement mode")

    @property
    def variance(self) -> Tensor:
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        return self.variance.sqrt()  # type: ignore[no-any-return]

    def expand(self, batch_shape: Sequence[int]) -> Any:
        """Return the same distributions in a larger batch, over the same memory."""
        raise NotImplementedError

    def _expanded(self, batch_shape: Sequence[int], **shapes: Sequence[int]) -> Any:
        """Return a copy whose parameters, those of them that it has, are expanded to some shapes."""
        made = copy(self)
        made._batch_shape = Size(batch_shape)
        for name, shape in shapes.items():
            if name in vars(self):
                setattr(made, name, getattr(self, name).expand(*shape))
        return made

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw samples, through which no gradient flows."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw samples that are differentiable with respect to the parameters."""
        raise NotImplementedError

    def sample_n(self, n: int) -> Tensor:
        warnings.warn(
            "`sample_n(n)` will be deprecated. Use `sample((n,))` instead.", category=FutureWarning, stacklevel=2
        )
        return self.sample((n,))

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the probability, or its density, of a value."""
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """Return the probability of what is not larger."""
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """Return what is larger than samples are with a given probability."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """Return all values, along a new first dimension."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        return self.entropy().exp()  # type: ignore[no-any-return]

    def _extended_shape(self, sample_shape: Sequence[int] = ()) -> Size:
        return Size(sample_shape) + self._batch_shape + self._event_shape

    def _validate_sample(self, value: Any) -> None:
        """Refuse a value of another shape, or out of the support, unless nothing is validated."""
        if not self._validate_args:
            return
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        start = value.ndim - len(self._event_shape)
        if value.shape[start:] != self._event_shape:
            raise ValueError(
                f"The right-most size of value must match event_shape: {value.shape} vs {self._event_shape}."
            )
        due = self._extended_shape()
        if any(1 not in (got, want) and got != want for got, want in zip(value.shape[::-1], due[::-1], strict=False)):
            raise ValueError(f"Value is not broadcastable with batch_shape+event_shape: {value.shape} vs {due}.")
        if not bool(self.support.check(value).all()):
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) to be within the "
                f"support ({self.support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def __repr__(self) -> str:
        own = {name: vars(self)[name] for name in self.arg_constraints if name in vars(self)}
        shown = (f"{name}: {each if each.numel() == 1 else each.size()}" for name, each in own.items())
        return f"{type(self).__name__}({', '.join(shown)})"


class lazy:
    """A parameter that is computed from another when it is first asked for."""

    def __init__(self, compute: Callable[[Any], Tensor]) -> None:
        self.compute, self.name = compute, compute.__name__

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        if owner is None:
            return self
        with enable_grad():
            value = self.compute(owner)
        setattr(owner, self.name, value)
        return value


def broadcast_all(*values: Any) -> Sequence[Tensor]:
    """Return tensors of one shape; numbers become tensors of the type of the first tensor."""
    if not all(isinstance(each, (Tensor, bool, int, float, complex)) for each in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__."
        )
    model = next((each for each in values if isinstance(each, Tensor)), None)
    kind, device = (get_default_dtype(), None) if model is None else (model.dtype, model.device)
    make = FUNCTIONS["tensor"]
    made = [each if isinstance(each, Tensor) else make(each, dtype=kind, device=device) for each in values]
    return FUNCTIONS["broadcast_tensors"](*made)  # type: ignore[no-any-return]


def only_one(probs: Any, logits: Any) -> None:
    """Refuse both probabilities and logits, or neither."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Return the logarithms of probabilities, or of their odds; they stay finite."""
    eps = finfo(probs.dtype).eps
    inside = probs.clamp(min=eps, max=1 - eps)
    return inside.log() - (-inside).log1p() if is_binary else inside.log()  # type: ignore[no-any-return]


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Return the probabilities of which logits are the logarithms, or whose odds'."""
    return logits.sigmoid() if is_binary else logits.softmax(-1)  # type: ignore[no-any-return]


def log_one_plus_odds(logits: Tensor) -> Tensor:
    """Return the logarithm of one plus the odds, which does not overflow, and whose slope at even odds is one half."""
    positive = (logits.clamp(min=0) + logits - logits.clamp(max=0)) / 2
    return positive + (-logits.abs()).exp().log1p()  # type: ignore[no-any-return]
