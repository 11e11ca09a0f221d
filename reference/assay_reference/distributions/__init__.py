"""torch.distributions: probability distributions, of a batch of parameters each."""

from assay_reference.distributions import constraints
from assay_reference.distributions.bernoulli import Bernoulli
from assay_reference.distributions.categorical import Categorical
from assay_reference.distributions.distribution import Distribution
from assay_reference.distributions.kl import kl_divergence, register_kl
from assay_reference.distributions.multinomial import Multinomial
from assay_reference.distributions.normal import Normal
from assay_reference.distributions.uniform import Uniform

__all__ = [
    "Bernoulli",
    "Categorical",
    "Distribution",
    "Multinomial",
    "Normal",
    "Uniform",
    "constraints",
    "kl_divergence",
    "register_kl",
]
