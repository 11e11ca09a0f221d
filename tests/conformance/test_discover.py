"""What `--backend` accepts, and the messages for what names no backend."""

from __future__ import annotations

import sys
from contextlib import closing
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from assay.backends import discover
from assay.backends.base import BackendUnusable
from assay.backends.discover import open_backend, open_candidate
from assay.backends.namespace import NamespaceBackend
from assay.backends.numpy import NumpyBackend
from assay.backends.process import ProcessBackend
from assay.settings import Settings

MINE = """
from assay.backends.numpy import NumpyBackend

instance = NumpyBackend()
number = 1


class Mine(NumpyBackend):
    pass


def on(device):
    backend = Mine()
    backend.asked_for = device
    return backend
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    return file


def test_a_built_in_backend_opens_by_its_name() -> None:
    assert isinstance(open_backend("numpy"), NumpyBackend)


def test_a_module_with_pytorch_s_names_opens_as_a_namespace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "toy_torch.py").write_text("__version__ = '7'")
    monkeypatch.syspath_prepend(tmp_path)

    backend = open_backend("namespace:toy_torch")

    assert isinstance(backend, NamespaceBackend)
    assert (backend.capabilities.name, backend.capabilities.version) == ("toy_torch", "7")


@pytest.mark.parametrize("name", ["Mine", "instance", "on"])
def test_a_class_an_instance_or_a_function_of_a_file_opens(mine: Path, name: str) -> None:
    assert isinstance(open_backend(f"{mine}:{name}"), NumpyBackend)


def test_a_module_in_the_working_directory_opens(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mine.parent)
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each])

    assert type(open_backend("mine:Mine")).__name__ == "Mine"


def test_a_device_reaches_who_takes_one(mine: Path) -> None:
    assert open_backend(f"{mine}:on", device="cuda").asked_for == "cuda"  # type: ignore[attr-defined]


def test_an_entry_point_opens_by_its_name(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(mine.parent)
    point = EntryPoint("mine", "mine:Mine", "assay.backends")
    monkeypatch.setattr(discover, "entry_points", lambda *, group: [point] if group == "assay.backends" else [])

    assert type(open_backend("mine")).__name__ == "Mine"


def test_an_isolated_backend_runs_in_a_process_of_its_own() -> None:
    with closing(open_candidate(Settings("numpy"))) as backend:
        assert isinstance(backend, ProcessBackend)
        assert backend.capabilities == NumpyBackend().capabilities


def test_a_command_that_speaks_the_protocol_opens() -> None:
    with closing(open_backend(f"exec:'{sys.executable}' -m assay.backends.worker numpy")) as backend:
        assert backend.capabilities == NumpyBackend().capabilities


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "nunpy",
            "unknown backend 'nunpy' (did you mean 'numpy'?);"
            " the backends are jax, numpy, paddle, reference, tinygrad, torch",
        ),
        (
            "xyz",
            "unknown backend 'xyz' (a library with PyTorch's names is 'namespace:NAME');"
            " the backends are jax, numpy, paddle, reference, tinygrad, torch",
        ),
        (
            "namespace:nonesuch",
            "cannot import 'nonesuch': No module named 'nonesuch'; install it or check PYTHONPATH",
        ),
        (
            "assay.backends.numpy:NumpyBackendd",
            "assay.backends.numpy has no 'NumpyBackendd' (did you mean 'NumpyBackend'?)",
        ),
        ("nowhere/mine.py:Mine", "there is no file nowhere/mine.py"),
        (
            "assay.backends.numpy:TABLE",
            "assay.backends.numpy:TABLE is or returns a dict, not an assay.backends.base.Backend",
        ),
        ("exec:", "exec: needs a command, as in 'exec:./my_harness --quiet'"),
    ],
)
def test_a_text_that_names_no_backend_is_refused_with_the_reason(
    text: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discover, "entry_points", lambda *, group: [])

    with pytest.raises(BackendUnusable) as caught:
        open_backend(text)

    assert str(caught.value) == message


def test_a_device_that_the_backend_does_not_take_is_refused() -> None:
    with pytest.raises(BackendUnusable) as caught:
        open_backend("numpy", device="cuda")

    assert str(caught.value) == "assay.backends.numpy:NumpyBackend takes no device; it cannot run on 'cuda'"
