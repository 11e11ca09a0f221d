"""Weights from a URL: PyTorch and the reference alike, from a server on this machine."""

from __future__ import annotations

import hashlib
import importlib
import io
import os
import zipfile
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import pytest

import assay_reference as reference
from assay_reference.hub import HASHED


@pytest.fixture(params=["assay_reference", "torch"])
def torch(request: pytest.FixtureRequest) -> Any:
    found = pytest.importorskip(request.param)
    importlib.import_module(f"{request.param}.utils.model_zoo")
    return found


@pytest.fixture
def server(loopback: Any) -> Any:
    """A server of the same weights under three names."""
    file = io.BytesIO()
    reference.save({"weight": reference.ones(2)}, file)
    loopback.files = {f"/{name}": file.getvalue() for name in ("w.pt", f"w-{sha(file)[:8]}.pt", "w-00000000.pt")}
    return loopback


def sha(file: io.BytesIO) -> str:
    return hashlib.sha256(file.getvalue()).hexdigest()


def test_load_url_downloads_once(torch: Any, server: Any, tmp_path: Path) -> None:
    for _ in range(2):
        state = torch.utils.model_zoo.load_url(f"{server.url}/w.pt", str(tmp_path / "a" / "b"))
        assert state["weight"].tolist() == [1.0, 1.0]

    assert server.asked == ["/w.pt"]
    assert os.listdir(tmp_path / "a" / "b") == ["w.pt"]


def test_load_url_is_a_name_of_load_state_dict_from_url(torch: Any) -> None:
    assert torch.utils.model_zoo.load_url is torch.hub.load_state_dict_from_url


def test_what_it_says_of_its_progress(
    torch: Any, server: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.hub.load_state_dict_from_url(f"{server.url}/w.pt", str(tmp_path))
    torch.hub.load_state_dict_from_url(f"{server.url}/w.pt", str(tmp_path), progress=False, file_name="other.pt")

    out, err = capsys.readouterr()
    assert out.splitlines() == [
        f'Downloading: "{server.url}/w.pt" to {tmp_path}/{name}' for name in ("w.pt", "other.pt")
    ]
    assert err == "\r100.0%\n"


def test_a_name_with_a_hash_is_checked_if_wanted(torch: Any, server: Any, tmp_path: Path) -> None:
    good = next(name for name in server.files if HASHED.search(name) and "00000000" not in name)
    load = torch.hub.load_state_dict_from_url

    assert load(f"{server.url}{good}", str(tmp_path), check_hash=True, progress=False)
    with pytest.raises(RuntimeError, match=r'invalid hash value .expected "00000000", got "'):
        load(f"{server.url}/w-00000000.pt", str(tmp_path), check_hash=True, progress=False)
    assert os.listdir(tmp_path) == [good[1:]]
    assert load(f"{server.url}/w-00000000.pt", str(tmp_path), progress=False)


@pytest.mark.parametrize(("path", "error"), [("/none.pt", HTTPError), ("/", IsADirectoryError)])
def test_what_is_not_there_leaves_nothing(
    torch: Any, server: Any, tmp_path: Path, path: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        torch.hub.load_state_dict_from_url(server.url + path, str(tmp_path), progress=False)

    assert os.listdir(tmp_path) == []


def test_a_file_is_a_url_too_and_may_be_placed(torch: Any, server: Any, tmp_path: Path) -> None:
    (tmp_path / "w.pt").write_bytes(server.files["/w.pt"])
    seen = []

    torch.hub.load_state_dict_from_url(
        (tmp_path / "w.pt").as_uri(), str(tmp_path / "kept"), lambda storage, place: seen.append(place), progress=False
    )

    assert seen == ["cpu"]
    assert os.listdir(tmp_path / "kept") == ["w.pt"]


def test_where_downloads_are_kept(torch: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for chosen, nothing in (("_hub_dir", None), ("_chosen", [])):  # PyTorch's, and the reference's
        monkeypatch.setattr(torch.hub, chosen, nothing, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    monkeypatch.delenv("TORCH_HOME", raising=False)
    assert torch.hub.get_dir() == "/cache/torch/hub"
    monkeypatch.setenv("TORCH_HOME", "/home")
    assert torch.hub.get_dir() == "/home/hub"
    monkeypatch.setenv("HOME", str(tmp_path))
    torch.hub.set_dir("~/kept")
    assert torch.hub.get_dir() == f"{tmp_path}/kept"


def test_a_download_that_ends_early_is_refused(server: Any, tmp_path: Path) -> None:
    server.short = True
    size = len(server.files["/w.pt"])

    with pytest.raises(URLError, match=rf"{server.url}/w.pt: {size} bytes came of {size + 1}"):
        reference.hub.download_url_to_file(f"{server.url}/w.pt", str(tmp_path / "w.pt"), progress=False)

    assert os.listdir(tmp_path) == []


def test_a_file_of_old_that_lies_alone_in_a_zip_archive_is_unpacked(torch: Any, loopback: Any, tmp_path: Path) -> None:
    packed, weights = io.BytesIO(), io.BytesIO()
    torch.save({"weight": torch.ones(2)}, weights, _use_new_zipfile_serialization=False)
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner.pth", weights.getvalue())
    loopback.files = {"/w.pth": packed.getvalue()}

    with pytest.warns(FutureWarning, match=r"Falling back to the old format < 1\.6\. This support will be deprecated"):
        state = torch.hub.load_state_dict_from_url(f"{loopback.url}/w.pth", tmp_path, weights_only=True)

    assert state["weight"].tolist() == [1.0, 1.0]
    assert sorted(os.listdir(tmp_path)) == ["inner.pth", "w.pth"]


@pytest.mark.filterwarnings("ignore:Falling back")
def test_a_file_in_an_archive_does_not_leave_the_folder(torch: Any, loopback: Any, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../inner.pth", b"")
    loopback.files = {"/w.pth": packed.getvalue()}

    with pytest.raises(ValueError) as caught:
        torch.hub.load_state_dict_from_url(f"{loopback.url}/w.pth", tmp_path / "kept")

    assert str(caught.value) == "Archive entry contains directory traversal: ../inner.pth"
    assert not (tmp_path / "inner.pth").exists()
