"""The reference as a candidate like any other: the one file of the suite that imports it."""

from __future__ import annotations

import assay_reference
from assay.backends.base import BackendUnusable
from assay.backends.namespace import NamespaceBackend


class ReferenceBackend(NamespaceBackend):
    """PyTorch's names over NumPy, or CuPy on CUDA."""

    def __init__(self, *, device: str = "cpu") -> None:
        if device.startswith("cuda") and not assay_reference.cuda.is_available():
            raise BackendUnusable("the reference finds no CUDA device: it needs CuPy and a GPU that CuPy can use")
        super().__init__(assay_reference, device=device, name="reference")
