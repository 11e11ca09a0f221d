"""Scenarios: a program in PyTorch's words, run against a namespace in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.backends.base import Unsupported
from assay.cases.case import Outcome, Program

if TYPE_CHECKING:
    from assay.backends.namespace import NamespaceBackend


def run(backend: NamespaceBackend, case: Program) -> Outcome:
    """Execute a program and look at its expressions."""
    if "cuda" in case.needs and backend.device != "cuda":
        raise Unsupported("device", "the scenario needs a CUDA device")
    scope: dict[str, Any] = {"__name__": "assay_scenario"}
    if "numpy" in case.needs:
        import numpy

        scope["np"] = numpy
    folder = _own_folder() if "files" in case.needs else contextlib.nullcontext()
    with folder, backend.serving(case) as torch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scope["torch"] = torch
        try:
            exec(compile(case.run, f"<{case.op}: {case.name}>", "exec"), scope)
            values = {source: backend.host(eval(source, scope)) for source in case.expressions}
        except AttributeError as error:
            if getattr(error, "obj", None) is torch:
                raise Unsupported("op", str(error)) from None
            raise
        finally:
            _restore(backend)
    return Outcome(values=values)


@contextlib.contextmanager
def _own_folder() -> Iterator[None]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def _restore(backend: NamespaceBackend) -> None:
    """Undo the switches that a program may have thrown and left."""
    torch = backend.torch
    if hasattr(torch, "set_grad_enabled"):
        torch.set_grad_enabled(True)
    if hasattr(torch, "set_default_tensor_type"):  # a dtype and a device in one
        torch.set_default_tensor_type(torch.FloatTensor)
    elif hasattr(torch, "set_default_dtype"):
        torch.set_default_dtype(torch.float32)
    if hasattr(torch, "set_printoptions"):
        torch.set_printoptions(profile="default")
