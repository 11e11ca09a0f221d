"""Opening the backend that `--backend` names."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from assay.backends.base import Backend, BackendUnusable
from assay.settings import Settings

if TYPE_CHECKING:
    from assay.backends.process import ProcessBackend

GROUP: Final = "assay.backends"
BUILT_IN: Final = {
    "reference": "assay.backends.reference:ReferenceBackend",
    "torch": "namespace:torch",
    "jax": "assay.backends.jax:JaxBackend",
    "numpy": "assay.backends.numpy:NumpyBackend",
    "paddle": "assay.backends.paddle:PaddleBackend",
    "tinygrad": "assay.backends.tinygrad:TinygradBackend",
}


def open_candidate(settings: Settings) -> ProcessBackend:
    """Open the candidate of a run in a process of its own; raise BackendUnusable if that fails."""
    from assay.backends.process import ProcessBackend, WorkerBackend

    kind, _, rest = settings.backend.partition(":")
    if kind == "exec":
        return ProcessBackend.harness(rest, time_limit=settings.time_limit)
    return WorkerBackend(settings.backend, device=settings.device, time_limit=settings.time_limit)


def open_oracle(text: str) -> Backend:
    """Open the oracle of a run in this process; raise BackendUnusable if it is not what it claims to be."""
    from assay.backends import genuine

    if text in ("torch", "namespace:torch"):
        genuine.without_plugins()
        backend = open_backend(text)
        genuine.check_pytorch(sys.modules["torch"])
        return backend
    return open_backend(text)


def open_backend(text: str, *, device: str = Settings.device) -> Backend:
    """Open the backend that a text names in this process; raise BackendUnusable if that fails.

    The text is a built-in backend's name or an entry point's, `namespace:MODULE`, `MODULE:ATTRIBUTE`,
    `FILE.py:ATTRIBUTE` or, in a process of its own all the same, `exec:COMMAND`.
    """
    kind, _, rest = text.partition(":")
    if kind == "exec":
        return open_candidate(Settings(text))
    if kind == "namespace":
        return _namespace(rest, device)
    if rest:
        return _made(_attribute(kind, rest), text, device)
    return _registered(text, device)


def _namespace(module: str, device: str) -> Backend:
    from assay.backends.namespace import NamespaceBackend, TorchBackend, imported

    kind = TorchBackend if module == TorchBackend.module else NamespaceBackend
    return kind(imported(module), device=device)


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
    """Import a module by its name, or from a file, whose neighbours it may import."""
    from assay.backends.namespace import imported

    if not name.endswith(".py"):
        found: ModuleType = imported(name)
        return found
    path = Path(name)
    if not path.is_file():
        raise BackendUnusable(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.resolve().parent))
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever stops a file from being run
        raise BackendUnusable(f"{_where(error)}: {type(error).__name__}: {error}") from error
    return module


def _where(error: Exception) -> str:
    """Return the file and line that raised an exception."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{where.filename}:{where.lineno}"


def _made(found: Any, text: str, device: str) -> Backend:
    """Return a backend from an instance, or call the class or function that makes one."""
    if callable(found):
        takes_device = "device" in inspect.signature(found).parameters
        if device != "cpu" and not takes_device:
            raise BackendUnusable(f"{text} takes no device; it cannot run on {device!r}")
        try:
            found = found(device=device) if takes_device else found()
        except BackendUnusable:
            raise
        except Exception as error:
            told = f"{type(error).__name__}: {error} ({_where(error)})"
            raise BackendUnusable(f"{text} cannot be made: {told}") from error
    if not isinstance(found, Backend):
        raise BackendUnusable(f"{text} is or returns a {type(found).__name__}, not an assay.backends.base.Backend")
    return found
