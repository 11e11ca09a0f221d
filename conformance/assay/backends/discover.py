"""Opening the backend that `--backend` names."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from assay.backends.base import Backend, BackendUnusable
from assay.settings import Settings

GROUP: Final = "assay.backends"
BUILT_IN: Final = {
    "reference": "assay.backends.reference:ReferenceBackend",
    "torch": "namespace:torch",
    "jax": "assay.backends.jax:JaxBackend",
    "numpy": "assay.backends.numpy:NumpyBackend",
    "tinygrad": "assay.backends.tinygrad:TinygradBackend",
}


def open_backend(
    text: str,
    *,
    device: str = Settings.device,
    isolate: bool = Settings.isolate,
    time_limit: float = Settings.time_limit,
) -> Backend:
    """Open the backend that a text names; raise BackendUnusable if that fails.

    The text is a built-in backend's name or an entry point's, `namespace:MODULE`, `MODULE:ATTRIBUTE`,
    `FILE.py:ATTRIBUTE` or `exec:COMMAND`. With `isolate`, a Python backend runs in a process of its own.
    """
    kind, _, rest = text.partition(":")
    if kind == "exec":
        return _process(rest, time_limit)
    if isolate:
        return _process([sys.executable, "-m", "assay.backends.worker", text, "--device", device], time_limit)
    if kind == "namespace":
        return _namespace(rest, device)
    if rest:
        return _made(_attribute(kind, rest), text, device)
    return _registered(text, device)


def _process(command: str | list[str], time_limit: float) -> Backend:
    from assay.backends.process import ProcessBackend

    if not command:
        raise BackendUnusable("exec: needs a command, as in 'exec:./my_harness --quiet'")
    return ProcessBackend(command, time_limit=time_limit)


def _namespace(module: str, device: str) -> Backend:
    from assay.backends.namespace import NamespaceBackend

    return NamespaceBackend(_module(module), device=device)


def _registered(name: str, device: str) -> Backend:
    if name in BUILT_IN:
        return open_backend(BUILT_IN[name], device=device)
    found = {each.name: each for each in entry_points(group=GROUP)}
    if name in found:
        return _made(found[name].load(), name, device)
    known = sorted({*BUILT_IN, *found})
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "a library with PyTorch's names is 'namespace:NAME'"
    raise BackendUnusable(f"unknown backend {name!r} ({hint}); the backends are {', '.join(known)}")


def _attribute(module: str, name: str) -> Any:
    found: Any = _module(module)
    for part in name.split("."):
        if not hasattr(found, part):
            near = get_close_matches(part, dir(found), n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise BackendUnusable(f"{module} has no {part!r}{hint}")
        found = getattr(found, part)
    return found


def _module(name: str) -> ModuleType:
    """Import a module by its name or from a file, seeing the working directory as `python -m` does."""
    if name.endswith(".py"):
        return _file(Path(name))
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BackendUnusable(f"cannot import {name!r}: {error}; install it or check PYTHONPATH") from error


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise BackendUnusable(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _made(found: Any, text: str, device: str) -> Backend:
    """Return a backend from an instance, or call the class or function that makes one."""
    if callable(found):
        takes_device = "device" in inspect.signature(found).parameters
        if device != "cpu" and not takes_device:
            raise BackendUnusable(f"{text} takes no device; it cannot run on {device!r}")
        found = found(device=device) if takes_device else found()
    if not isinstance(found, Backend):
        raise BackendUnusable(f"{text} is or returns a {type(found).__name__}, not an assay.backends.base.Backend")
    return found
