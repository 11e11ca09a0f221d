"""torch.backends.cuda: NVIDIA's graphics processors."""

from __future__ import annotations

from assay_reference.core.arrays import cuda_namespace


def is_built() -> bool:
    """Return whether there is code for such devices, which is CuPy's."""
    return cuda_namespace() is not None
