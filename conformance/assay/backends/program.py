"""Programs, which only a library with PyTorch's names can run; global state is restored after each."""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from assay.backends.base import Unsupported
from assay.cases.case import Case, targets
from assay_spec.steps import Step

if TYPE_CHECKING:
    from assay.backends.library import LibraryBackend

PROGRAM: Final = "<scenario "  # how the file name of a scenario's program begins

# The global settings that a scenario may change, and how to restore each; one that it does not name is left alone.
_SWITCHES: Final[dict[str, Callable[[Any], None]]] = {
    "set_grad_enabled": lambda torch: torch.set_grad_enabled(True),
    "set_default_tensor_type": lambda torch: torch.set_default_tensor_type(torch.FloatTensor),  # dtype and device
    "set_default_dtype": lambda torch: torch.set_default_dtype(torch.float32),
    "set_printoptions": lambda torch: torch.set_printoptions(profile="default"),
}


def execute(library: LibraryBackend, case: Case, step: Step) -> tuple[Any, ...]:
    """Run a program; return the values of the expressions that the case observes."""
    torch = library.namespace()
    scope: dict[str, Any] = {"__name__": "assay_scenario", "torch": torch}
    with contextlib.suppress(Unsupported):
        library.named(case.op)  # which imports the module that has it
    if case.op.startswith("torchvision."):
        scope["torchvision"] = library.named("torchvision")
    if "numpy" in case.needs:
        import numpy

        scope["np"] = numpy
    name = f"{PROGRAM}{case.op}: {case.scenario}>"
    exec(compile(step.target, name, "exec"), scope)
    # Brought to the host one by one: a later expression may change the value of an earlier one.
    return tuple(library.host(eval(compile(each, name, "eval"), scope)) for each in step.arguments["expressions"])


@contextlib.contextmanager
def surroundings(case: Case, device: str, torch: Any) -> Iterator[None]:
    """Provide a folder if the case needs one, hide warnings, and restore the global settings that it changes."""
    _check_devices(case.needs, device, torch)
    folder = _own_folder() if "files" in case.needs else contextlib.nullcontext()
    with folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            for name, restore in _SWITCHES.items():
                if any(name in target for target in targets(case.steps)) and hasattr(torch, name):
                    with contextlib.suppress(Exception):  # one that the library has otherwise
                        restore(torch)


def _check_devices(needs: tuple[str, ...], device: str, torch: Any) -> None:
    """Raise Unsupported if the devices that a scenario needs are not there, or the library does not say so."""
    if {"cuda", "cuda:1"} & set(needs) and device != "cuda":
        raise Unsupported("device", "the scenario needs a CUDA device")
    if "cuda:1" in needs and (not hasattr(torch, "cuda") or torch.cuda.device_count() < 2):
        raise Unsupported("device", "the scenario needs two CUDA devices")
    if "cpu" in needs and (not hasattr(torch, "backends") or torch.backends.cuda.is_built()):
        raise Unsupported("device", "the scenario needs a library that is built for the CPU alone")


@contextlib.contextmanager
def _own_folder() -> Iterator[None]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
