"""torch.random: the seeds of the default generator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from assay_reference.core.dispatch import composite
from assay_reference.core.generator import Generator, default_generator
from assay_reference.core.tensor import Tensor

__all__ = ["default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


@composite(method=False)
def manual_seed(seed: int) -> Generator:
    """Start the default generator from a seed."""
    return default_generator.manual_seed(int(seed))


@composite(method=False)
def initial_seed() -> int:
    """Return the seed from which the default generator started."""
    return default_generator.initial_seed()


@composite(method=False)
def seed() -> int:
    """Start the default generator from a seed of the operating system's, and return it."""
    return default_generator.seed()


@composite(method=False)
def get_rng_state() -> Tensor:
    """Return all that the next numbers of the default generator depend on."""
    return default_generator.get_state()


@composite(method=False)
def set_rng_state(new_state: Tensor) -> None:
    """Let the default generator go on where it was when it had a state."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(devices: Any = None, enabled: bool = True) -> Iterator[None]:
    """Leave the default generator as it was, whatever is drawn inside; those of devices have none of their own."""
    state = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(state)
