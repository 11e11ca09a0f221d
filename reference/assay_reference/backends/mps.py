"""torch.backends.mps: Apple's graphics processors, on which the reference does not compute."""

from __future__ import annotations


def is_available() -> bool:
    """Return whether tensors can be on such a device."""
    return False


def is_built() -> bool:
    """Return whether there is code for such devices."""
    return False
