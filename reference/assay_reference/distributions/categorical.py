"""Categories, each with a probability."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from assay_reference.core.dispatch import FUNCTIONS
from assay_reference.core.dtypes import finfo
from assay_reference.core.tensor import Size, Tensor
from assay_reference.distributions import constraints
from assay_reference.distributions.distribution import (
    Distribution,
    lazy,
    logits_to_probs,
    only_one,
    probs_to_logits,
)


class Categorical(Distribution):
    """The index of a category, by probabilities in proportion to weights, or by their logarithms."""

    arg_constraints: ClassVar = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        only_one(probs, logits)
        for name, given in (("probs", probs), ("logits", logits)):
            if given is not None and given.dim() < 1:
                raise ValueError(f"`{name}` parameter must be at least one-dimensional.")
        if probs is not None:
            self.probs = probs / probs.sum(-1, keepdim=True)
        else:
            self.logits = logits - logits.logsumexp(dim=-1, keepdim=True)
        super().__init__(self.param_shape[:-1], validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int]) -> Any:
        shape = (*Size(batch_shape), self._num_events)
        return self._expanded(batch_shape, probs=shape, logits=shape)

    @lazy
    def logits(self) -> Tensor:
        return probs_to_logits(self.probs)

    @lazy
    def probs(self) -> Tensor:
        return logits_to_probs(self.logits)

    @property
    def param_shape(self) -> Size:
        return (self.probs if "probs" in vars(self) else self.logits).size()  # type: ignore[no-any-return]

    @property
    def _num_events(self) -> int:
        return self.param_shape[-1]  # type: ignore[no-any-return]

    @property
    def support(self) -> constraints.Constraint:
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def mean(self) -> Tensor:
        """NaN: categories are no numbers."""
        of = {"dtype": self.probs.dtype, "device": self.probs.device}
        return FUNCTIONS["full"](self._extended_shape(), math.nan, **of)  # type: ignore[no-any-return]

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(dim=-1)  # type: ignore[no-any-return]

    @property
    def variance(self) -> Tensor:
        return self.mean

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        rows = self.probs.reshape(-1, self._num_events)
        drawn = FUNCTIONS["multinomial"](rows, math.prod(sample_shape), True).t()
        return drawn.reshape(self._extended_shape(sample_shape))  # type: ignore[no-any-return]

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        value, logits = FUNCTIONS["broadcast_tensors"](value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, value[..., :1]).squeeze(-1)  # type: ignore[no-any-return]

    def entropy(self) -> Tensor:
        finite = self.logits.clamp(min=finfo(self.logits.dtype).min)
        return -(finite * self.probs).sum(-1)  # type: ignore[no-any-return]

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = FUNCTIONS["arange"](self._num_events, device=self.probs.device)
        values = values.view(-1, *(1 for _ in self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values  # type: ignore[no-any-return]
