"""Successes in a number of trials, as a multinomial distribution needs them of each of its categories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from assay_reference.core.dispatch import FUNCTIONS
from assay_reference.core.tensor import Tensor
from assay_reference.distributions import constraints
from assay_reference.distributions.distribution import (
    Distribution,
    broadcast_all,
    lazy,
    log_one_plus_odds,
    probs_to_logits,
)


class Binomial(Distribution):
    """How many of so many trials succeed, each with a probability."""

    arg_constraints: ClassVar = {"total_count": constraints.nonnegative_integer, "probs": constraints.unit_interval}

    def __init__(self, total_count: int, probs: Tensor) -> None:
        self.total_count, self.probs = broadcast_all(total_count, probs)
        self._most = total_count
        super().__init__(self.probs.shape)

    def expand(self, batch_shape: Sequence[int]) -> Any:
        return self._expanded(batch_shape, total_count=batch_shape, probs=batch_shape)

    @lazy
    def logits(self) -> Tensor:
        return probs_to_logits(self.probs, is_binary=True)

    def log_prob(self, value: Tensor) -> Tensor:
        count, logits = self.total_count, self.logits
        ways = (count + 1).lgamma() - (value + 1).lgamma() - (count - value + 1).lgamma()
        return ways + value * logits - count * log_one_plus_odds(logits)  # type: ignore[no-any-return]

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = FUNCTIONS["arange"](1 + self._most, dtype=self.probs.dtype, device=self.probs.device)
        values = values.view(-1, *(1 for _ in self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values  # type: ignore[no-any-return]
