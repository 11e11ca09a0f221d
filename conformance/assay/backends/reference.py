"""The reference as a candidate like any other. Only this file of the suite imports it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, ClassVar

import assay_reference
from assay.backends.base import FEATURES, BackendUnusable, Feature, Unsupported
from assay.backends.namespace import NamespaceBackend
from assay.cases.case import Case
from assay_reference import documented


class ReferenceBackend(NamespaceBackend):
    """PyTorch's names over NumPy, or CuPy on CUDA."""

    features: ClassVar[tuple[Feature, ...]] = (*FEATURES, "strides")
    unsupported: ClassVar[tuple[tuple[type[BaseException], str], ...]] = (
        *NamespaceBackend.unsupported,
        (ImportError, r"pip install 'assay\[vision\]'"),  # what images and datasets need besides
    )

    def __init__(self, *, device: str = "cpu") -> None:
        if device.startswith("cuda") and not assay_reference.cuda.is_available():
            raise BackendUnusable("the reference finds no CUDA device: it needs CuPy and a GPU that CuPy can use")
        name = f"reference ({assay_reference.cuda.get_device_name()})" if device.startswith("cuda") else "reference"
        super().__init__(assay_reference, device=device, name=name)

    def torchvision(self) -> Any:
        return importlib.import_module(f"{self.torch.__name__}.torchvision")

    def named(self, name: str) -> Any:
        """Find a name in the reference, or else in the documented edition."""
        try:
            return super().named(name)
        except Unsupported:
            only_documented = getattr(documented, name.removeprefix("torch."), None)
            if only_documented is None:
                raise
            return only_documented

    @contextmanager
    def surroundings(self, case: Case) -> Iterator[None]:
        with super().surroundings(case), documented.served() if case.documented else nullcontext(self.torch) as torch:
            before, self.torch = self.torch, torch
            try:
                yield
            finally:
                self.torch = before
