"""Kullback-Leibler divergences, registered for pairs of families."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, TypeVar

from assay_reference.core.dispatch import FUNCTIONS
from assay_reference.core.tensor import Tensor
from assay_reference.distributions.bernoulli import Bernoulli
from assay_reference.distributions.categorical import Categorical
from assay_reference.distributions.distribution import Distribution, log_one_plus_odds
from assay_reference.distributions.normal import Normal
from assay_reference.distributions.uniform import Uniform

Formula = TypeVar("Formula", bound=Callable[[Any, Any], Tensor])

_FORMULAS: Final[dict[tuple[type, type], Callable[[Any, Any], Tensor]]] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Formula], Formula]:
    """Register a function of two distributions as the divergence of one family from another."""
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {kind}")

    def register(formula: Formula) -> Formula:
        _FORMULAS[type_p, type_q] = formula
        return formula

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """Return the expectation under p of the logarithm of p's probability over q's."""
    pairs = ((above_p, above_q) for above_p in type(p).__mro__ for above_q in type(q).__mro__)
    formula = next((_FORMULAS[pair] for pair in pairs if pair in _FORMULAS), None)
    if formula is None:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}"
        )
    return formula(p, q)


def _expected(log_ratio: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """Weight the logarithm of p over q by p; what never happens in p counts nothing, and in q infinitely."""
    weighted = (p * log_ratio).masked_fill(q == 0, math.inf)
    return weighted.masked_fill(p == 0, 0)  # type: ignore[no-any-return]


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    success = log_one_plus_odds(-q.logits) - log_one_plus_odds(-p.logits)
    failure = log_one_plus_odds(q.logits) - log_one_plus_odds(p.logits)
    return _expected(success, p.probs, q.probs) + _expected(failure, 1 - p.probs, 1 - q.probs)


@register_kl(Categorical, Categorical)
def _categorical(p: Categorical, q: Categorical) -> Tensor:
    return _expected(p.logits - q.logits, p.probs, q.probs).sum(-1)  # type: ignore[no-any-return]


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    variances, distance = (p.scale / q.scale) ** 2, ((p.loc - q.loc) / q.scale) ** 2
    return (variances + distance - 1 - variances.log()) / 2  # type: ignore[no-any-return]


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    within = ((q.high - q.low) / (p.high - p.low)).log()
    return within.masked_fill((q.low > p.low) | (q.high < p.high), math.inf)  # type: ignore[no-any-return]


@register_kl(Normal, Uniform)
def _normal_uniform(p: Normal, q: Uniform) -> Tensor:
    return FUNCTIONS["full_like"](p.loc, math.inf)  # type: ignore[no-any-return]


@register_kl(Uniform, Normal)
def _uniform_normal(p: Uniform, q: Normal) -> Tensor:
    width, distance = p.high - p.low, (p.high + p.low - 2 * q.loc) / 2
    density = (math.sqrt(2 * math.pi) * q.scale / width).log()
    return density + (width**2 / 12 + distance**2) / q.scale**2 / 2  # type: ignore[no-any-return]
