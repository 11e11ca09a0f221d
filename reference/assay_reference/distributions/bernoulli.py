"""Success or failure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from assay_reference.core.dispatch import FUNCTIONS
from assay_reference.core.grad_mode import no_grad
from assay_reference.core.tensor import Size, Tensor
from assay_reference.distributions import constraints
from assay_reference.distributions.distribution import (
    Distribution,
    broadcast_all,
    lazy,
    logits_to_probs,
    only_one,
    probs_to_logits,
)
from assay_reference.nn.functional import binary_cross_entropy_with_logits


class Bernoulli(Distribution):
    """One with a probability, and else zero."""

    arg_constraints: ClassVar = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.boolean
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        only_one(probs, logits)
        if probs is not None:
            (self.probs,) = broadcast_all(probs)
        else:
            (self.logits,) = broadcast_all(logits)
        super().__init__(self.param_shape, validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int]) -> Any:
        return self._expanded(batch_shape, probs=batch_shape, logits=batch_shape)

    @lazy
    def logits(self) -> Tensor:
        return probs_to_logits(self.probs, is_binary=True)

    @lazy
    def probs(self) -> Tensor:
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def param_shape(self) -> Size:
        return (self.probs if "probs" in vars(self) else self.logits).size()  # type: ignore[no-any-return]

    @property
    def mean(self) -> Tensor:
        return self.probs  # type: ignore[no-any-return]

    @property
    def mode(self) -> Tensor:
        likelier = (self.probs >= 0.5).to(self.probs.dtype)
        return likelier.masked_fill(self.probs == 0.5, math.nan)  # type: ignore[no-any-return]

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)  # type: ignore[no-any-return]

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with no_grad():
            return FUNCTIONS["bernoulli"](self.probs.expand(self._extended_shape(sample_shape)))  # type: ignore[no-any-return]

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Tensor:
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = FUNCTIONS["arange"](2, dtype=self.probs.dtype, device=self.probs.device)
        values = values.view(-1, *(1 for _ in self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values  # type: ignore[no-any-return]
