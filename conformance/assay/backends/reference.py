"""The reference as a candidate like any other: the one file of the suite that imports it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import assay_reference
from assay.backends.base import BackendUnusable, Unsupported
from assay.backends.namespace import NamespaceBackend
from assay.cases.case import Program
from assay_reference import documented


class ReferenceBackend(NamespaceBackend):
    """PyTorch's names over NumPy, or CuPy on CUDA."""

    def __init__(self, *, device: str = "cpu") -> None:
        if device.startswith("cuda") and not assay_reference.cuda.is_available():
            raise BackendUnusable("the reference finds no CUDA device: it needs CuPy and a GPU that CuPy can use")
        super().__init__(assay_reference, device=device, name="reference")

    def attribute(self, name: str) -> Any:
        """Find a name in the reference, or else in the documented edition."""
        try:
            return super().attribute(name)
        except Unsupported:
            only_documented = getattr(documented, name.removeprefix("torch."), None)
            if only_documented is None:
                raise
            return only_documented

    def serving(self, case: Program) -> AbstractContextManager[Any]:
        return documented.served() if case.documented else super().serving(case)
