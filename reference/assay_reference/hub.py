"""torch.hub: weights from a URL, kept in a folder; what runs code from repositories is left out."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import uuid
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlparse
from urllib.request import Request, urlopen

from assay_reference.serialization.loading import load

PIECE: Final = 2**17  # bytes that are asked for at a time
HASHED: Final = re.compile(r"-([0-9a-f]*)\.")  # a file name that ends with the beginning of its hash
_chosen: list[str] = []


def get_dir() -> str:
    """Return the folder that downloads are kept in."""
    if _chosen:
        return _chosen[-1]
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return os.path.expanduser(os.path.join(os.environ.get("TORCH_HOME", os.path.join(cache, "torch")), "hub"))


def set_dir(d: str | os.PathLike[str]) -> None:
    """Choose the folder that downloads are kept in."""
    _chosen[:] = [os.path.expanduser(os.fspath(d))]


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> None:
    """Save what a URL has, if its SHA-256 begins as it is said to."""
    with arriving(url, os.path.expanduser(dst), "torch.hub", progress) as file:
        found = hashlib.sha256(file.read_bytes()).hexdigest() if hash_prefix else ""
        if hash_prefix and not found.startswith(hash_prefix):
            raise RuntimeError(f'invalid hash value (expected "{hash_prefix}", got "{found}")')


def load_state_dict_from_url(
    url: str,
    model_dir: str | os.PathLike[str] | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = False,
) -> Any:
    """Read what `save` wrote from a file of a URL's name, which is downloaded if it is not there."""
    folder = os.path.join(get_dir(), "checkpoints") if model_dir is None else os.fspath(model_dir)
    os.makedirs(folder, exist_ok=True)
    name = os.path.basename(urlparse(url).path) if file_name is None else file_name
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        print(f'Downloading: "{url}" to {path}')
        hashed = HASHED.search(name) if check_hash else None
        download_url_to_file(url, path, hashed and hashed[1], progress)
    if _is_packed(path):
        path = _unpacked(path, folder)
    return load(path, map_location=map_location, weights_only=weights_only)


def _is_packed(path: str) -> bool:
    """Return whether a file of weights lies alone in a zip archive, as PyTorch's models did once."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    return len(entries) == 1 and not entries[0].is_dir()


def _unpacked(path: str, folder: str) -> str:
    """Unpack the only file of an archive, and return its path."""
    warnings.warn(
        "Falling back to the old format < 1.6. This support will be deprecated in favor of default zipfile format "
        "introduced in 1.6. Please redo torch.save() to save it in the new zipfile format.",
        FutureWarning,
        stacklevel=3,
    )
    with zipfile.ZipFile(path) as archive:
        (entry,) = archive.infolist()
        wanted = os.path.normpath(os.path.join(folder, entry.filename))
        if not wanted.startswith(os.path.join(os.path.normpath(folder), "")):
            raise ValueError(f"Archive entry contains directory traversal: {entry.filename}")
        return archive.extract(entry, folder)


@contextmanager
def arriving(url: str, path: str, agent: str, progress: bool) -> Iterator[Path]:
    """Hand out a file with what a URL has; it comes to its path if nobody objects, and is gone otherwise."""
    partial = Path(f"{path}.{uuid.uuid4().hex}.partial")
    try:
        with partial.open("xb") as file:
            for piece in _received(url, agent, progress):
                file.write(piece)
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _received(url: str, agent: str, progress: bool) -> Iterator[bytes]:
    """Yield what a URL has in pieces, and write to stderr how much has come."""
    with _answer(url, agent) as answer:
        wanted, received = int(answer.headers.get("Content-Length") or 0), 0
        while piece := answer.read(PIECE):
            yield piece
            received += len(piece)
            if progress and wanted:
                sys.stderr.write(f"\r{100 * received / wanted:.1f}%")
    if progress and wanted:
        sys.stderr.write("\n")
    if received < wanted:
        raise URLError(f"{url}: {received} bytes came of {wanted}")


def _answer(url: str, agent: str) -> Any:
    """Ask for a URL."""
    try:
        return urlopen(Request(url, headers={"User-Agent": agent}))
    except HTTPError as error:
        error.close()  # it is an answer, too
        raise
