"""The files of data sets: checked, downloaded, unpacked, and named in every error about them."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from assay_reference.hub import arriving
from assay_reference.serialization.errors import put_name
from assay_reference.torchvision.datasets.vision import Root

TARS: Final = (".tar", ".tgz", ".tbz", ".tbz2", ".tar.gz", ".tar.bz2", ".tar.xz")
COMPRESSED: Final[dict[str, Callable[..., Any]]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


@contextmanager
def naming(path: Root) -> Iterator[None]:
    """Let every error say which file it is about."""
    try:
        yield
    except Exception as error:
        if isinstance(error, ImportError) or os.fspath(path) in str(error):
            raise
        if isinstance(error, KeyError):
            raise KeyError(f"{os.fspath(path)} has no {error.args[0]!r}") from error
        put_name(error, os.fspath(path))
        raise


def calculate_md5(fpath: Root) -> str:
    """Return the MD5 of a file."""
    with open(fpath, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def check_integrity(fpath: Root, md5: str | None = None) -> bool:
    """Return whether a file is there, and has this MD5."""
    return os.path.isfile(fpath) and (md5 is None or calculate_md5(fpath) == md5)


def damaged(folder: Root, files: Iterable[Any]) -> list[str]:
    """Return which files of a folder are missing, or have another MD5 than they are listed with."""
    paths = [(os.path.join(folder, name), md5) for name, md5 in files]
    return [path for path, md5 in paths if not check_integrity(path, md5)]


def refuse_damaged(problem: str, paths: list[str]) -> None:
    """Raise a data set's error about files that are missing or damaged, if there are any."""
    if paths:
        raise RuntimeError(
            f"{problem}. You can use download=True to download it (missing or damaged: {', '.join(paths)})"
        )


def download_url(url: str, root: Root, filename: str | None = None, md5: str | None = None) -> None:
    """Save what a URL has in a folder, unless it is there; refuse another MD5 than it should have."""
    path = os.path.join(os.path.expanduser(root), filename or os.path.basename(url))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if check_integrity(path, md5):
        return
    with arriving(url, path, "pytorch/vision", progress=True) as file:
        if not check_integrity(file, md5):
            raise RuntimeError(f"File not found or corrupted. ({url} has another MD5 than {filename} should have)")


def extract_archive(from_path: Root, to_path: Root | None = None, remove_finished: bool = False) -> Root:
    """Unpack an archive into a folder, or the one file that is compressed."""
    source = Path(from_path)
    target = Path(to_path) if to_path is not None else source.parent
    with naming(from_path):
        if source.name.endswith(TARS):
            with tarfile.open(source) as tar:
                tar.extractall(target, filter="data")
        elif source.suffix == ".zip":
            with zipfile.ZipFile(source) as zipped:
                zipped.extractall(target)
        elif source.suffix in COMPRESSED:
            target = _decompress(source, target / source.stem if to_path is None or target.is_dir() else target)
        else:
            raise RuntimeError(f"Unknown compression or archive type: '{source.suffix}'.")
    if remove_finished:
        source.unlink()
    return target


def _decompress(source: Path, target: Path) -> Path:
    """Unpack a compressed file; what is cut short does not come to its name."""
    partial = Path(f"{target}.partial")
    try:
        with COMPRESSED[source.suffix](source) as packed, partial.open("wb") as file:
            shutil.copyfileobj(packed, file)
        return partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def download_and_extract_archive(
    url: str,
    download_root: Root,
    extract_root: Root | None = None,
    filename: str | None = None,
    md5: str | None = None,
    remove_finished: bool = False,
) -> None:
    """Save the archive of a URL in a folder, and unpack it."""
    folder, name = os.path.expanduser(download_root), filename or os.path.basename(url)
    download_url(url, folder, name, md5)
    extract_archive(os.path.join(folder, name), folder if extract_root is None else extract_root, remove_finished)


def verify_str_arg(value: Any, arg: str, valid_values: Iterable[str]) -> str:
    """Return a value that is one of some strings, or raise torchvision's error."""
    if not isinstance(value, str):
        raise ValueError(f"Expected type str for argument {arg}, but got type {type(value)}.")
    if value not in valid_values:
        known = "', '".join(valid_values)
        raise ValueError(f"Unknown value '{value}' for argument {arg}. Valid values are {{'{known}'}}.")
    return value
