"""Run a PyTorch program on the reference: `python -m assay_reference program.py [arguments]`."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Final

# Where the packages that a program imports are to be found.
SERVED: Final = {"torch": "assay_reference", "torchvision": "assay_reference.torchvision"}


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


def main() -> None:
    """Run the program that the command line names."""
    if len(sys.argv) < 2:
        sys.exit("usage: python -m assay_reference program.py [arguments]")
    sys.meta_path.insert(0, Server())
    del sys.argv[0]
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
