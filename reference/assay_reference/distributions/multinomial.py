"""Counts of categories in a number of trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from assay_reference.core.dispatch import FUNCTIONS
from assay_reference.core.tensor import Size, Tensor
from assay_reference.distributions import constraints
from assay_reference.distributions.binomial import Binomial
from assay_reference.distributions.categorical import Categorical
from assay_reference.distributions.distribution import Distribution, broadcast_all


class Multinomial(Distribution):
    """How often each category comes in so many trials."""

    arg_constraints: ClassVar = {"probs": constraints.simplex, "logits": constraints.real_vector}

    def __init__(
        self, total_count: int = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs=probs, logits=logits)
        self._binomial = Binomial(total_count, self.probs)  # of each category alone
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int]) -> Any:
        made = self._expanded(batch_shape)
        made._categorical = self._categorical.expand(batch_shape)
        made._binomial = self._binomial.expand((*batch_shape, *self._event_shape))
        return made

    @property
    def probs(self) -> Tensor:
        return self._categorical.probs  # type: ignore[no-any-return]

    @property
    def logits(self) -> Tensor:
        return self._categorical.logits  # type: ignore[no-any-return]

    @property
    def param_shape(self) -> Size:
        return self._categorical.param_shape

    @property
    def support(self) -> constraints.Constraint:
        return constraints.multinomial(self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        trials = self._categorical.sample((self.total_count, *Size(sample_shape))).movedim(0, -1)
        counts = FUNCTIONS["zeros"](self._extended_shape(sample_shape), dtype=trials.dtype, device=trials.device)
        return counts.scatter_add_(-1, trials, FUNCTIONS["ones_like"](trials)).type_as(self.probs)  # type: ignore[no-any-return]

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        impossible = (value == 0) & (logits == -math.inf)  # which did not happen
        powers = (logits.masked_fill(impossible, 0) * value).sum(-1)
        return (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1) + powers  # type: ignore[no-any-return]

    def entropy(self) -> Tensor:
        count = FUNCTIONS["tensor"](self.total_count, device=self.probs.device)
        values = self._binomial.enumerate_support(expand=False)[1:]
        weights = self._binomial.log_prob(values).exp() * (values + 1).lgamma()
        return count * self._categorical.entropy() - (count + 1).lgamma() + weights.sum([0, -1])  # type: ignore[no-any-return]
