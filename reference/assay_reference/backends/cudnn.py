"""torch.backends.cudnn: NVIDIA's library for layers, which the reference does without; its switches change nothing."""

from __future__ import annotations

enabled = True
benchmark = False
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """Return whether the library is there."""
    return False


def version() -> int | None:
    """Return the version of the library."""
    return None
