"""The oracle is what it claims to be: PyTorch as it was installed, and not a library in its place."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import BuiltinFunctionType
from typing import Any, Final

from assay.backends.base import BackendUnusable

_COMPILED: Final = ("add", "matmul", "sort", "sum", "exp", "where", "clamp", "max")  # functions that C++ defines
_HINT: Final = "run without what puts itself in PyTorch's place (a sitecustomize, a .pth file, a folder named torch)"


def without_plugins() -> None:
    """Keep device backends, which PyTorch loads by itself, out of the oracle; candidates have them."""
    os.environ["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"


def check_pytorch(torch: Any) -> None:
    """Raise BackendUnusable unless a module is PyTorch as it was installed."""
    try:
        installed = distribution("torch")
    except PackageNotFoundError:
        raise BackendUnusable(f"the oracle: {_where(torch)} is no installed PyTorch; {_HINT}") from None
    due = Path(str(installed.locate_file("torch/__init__.py"))).resolve()
    if Path(_where(torch)).resolve() != due:
        raise BackendUnusable(f"the oracle: torch comes from {_where(torch)}, and PyTorch is at {due}; {_HINT}")
    if str(torch.__version__).partition("+")[0] != installed.version.partition("+")[0]:
        raise BackendUnusable(
            f"the oracle: torch says {torch.__version__}, and {installed.version} is installed; {_HINT}"
        )
    patched = [name for name in _COMPILED if not isinstance(getattr(torch, name, None), BuiltinFunctionType)]
    if patched:
        raise BackendUnusable(f"the oracle: torch.{patched[0]} is not PyTorch's own; {_HINT}")


def _where(module: Any) -> str:
    return str(getattr(module, "__file__", None) or "nowhere")
