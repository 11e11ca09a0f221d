"""torch.random: the seeds of the default generator."""

from __future__ import annotations

from assay_reference.core.dispatch import composite
from assay_reference.core.generator import Generator, default_generator

__all__ = ["default_generator", "initial_seed", "manual_seed", "seed"]


@composite(method=False)
def manual_seed(seed: int) -> Generator:
    """Start the default generator from a seed."""
    return default_generator.manual_seed(seed)


@composite(method=False)
def initial_seed() -> int:
    """Return the seed from which the default generator started."""
    return default_generator.initial_seed()


@composite(method=False)
def seed() -> int:
    """Start the default generator from a seed of the operating system's, and return it."""
    return default_generator.seed()
