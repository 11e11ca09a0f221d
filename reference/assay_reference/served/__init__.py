"""The packages that a program on the reference imports under PyTorch's names.

This folder stands in the program's path, and in that of the processes that it starts: they import its `torch.py`.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Final

# Where the packages are to be found.
SERVED: Final = {"torch": "assay_reference", "torchvision": "assay_reference.torchvision"}


# The classes that programs print, as `<class 'torch.Tensor'>`.
PRINTED: Final = {"torch": ("Tensor", "Size", "device", "dtype"), "torchvision": ()}


class Server(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answer `import torch` with the reference's own modules."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        own = _own_name(fullname)
        if own is None or importlib.util.find_spec(own) is None:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, loader_state=own)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = importlib.import_module(str(spec.loader_state))
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Restore the spec of the module, which has been executed already."""
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state


def _own_name(name: str) -> str | None:
    """Return the reference's name of a module of PyTorch's."""
    package, dot, rest = name.partition(".")
    return SERVED[package] + dot + rest if package in SERVED else None


def serve(package: str) -> None:
    """Put the reference in the place of a package, and of all that is imported of it from now on."""
    if not any(isinstance(each, Server) for each in sys.meta_path):
        sys.meta_path.insert(0, Server())
    own = SERVED[package]
    reference = importlib.import_module(own)
    for name in PRINTED[package]:
        getattr(reference, name).__module__ = package
    # What has been imported is not to be again: that would put the module in the place of the function `spawn`.
    inside = [(name, each) for name, each in sys.modules.items() if name == own or name.startswith(f"{own}.")]
    sys.modules.update({package + name.removeprefix(own): each for name, each in inside})
