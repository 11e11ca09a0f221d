"""Run a PyTorch program on the reference: `python -m assay_reference [--device cuda] program.py [arguments]`."""

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

from assay_reference.core.devices import set_default_device

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


def run(program: str) -> None:
    """Run a program; what it raises is told from its own lines on, without those that lead to them."""
    sys.path[0] = str(Path(program).resolve().parent)
    try:
        runpy.run_path(program, run_name="__main__")
    except Exception as error:
        own = error.__traceback__
        while own is not None and own.tb_frame.f_code.co_filename != program:
            own = own.tb_next
        own = own or error.__traceback__
        sys.excepthook(type(error), error.with_traceback(own), own)
        sys.exit(1)


def use(device: str) -> None:
    """Put the tensors of the program on a device, where it does not say otherwise."""
    try:
        set_default_device(device)
    except (AssertionError, RuntimeError) as error:
        sys.exit(f"--device {device}: {error}")


def main() -> None:
    """Run the program that the command line names."""
    _, *arguments = sys.argv
    if arguments[:1] == ["--device"] and len(arguments) > 1:
        use(arguments[1])
        del arguments[:2]
    if not arguments or arguments[0].startswith("-"):
        sys.exit("usage: python -m assay_reference [--device DEVICE] program.py [arguments]")
    sys.meta_path.insert(0, Server())
    sys.argv[:] = arguments
    run(arguments[0])


if __name__ == "__main__":
    main()
