"""From a folder of YAML files to the corpus, whose ops are read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeVar

from assay_spec.builder import build_op
from assay_spec.documents import Document, SpecError, read
from assay_spec.keys import Class, DocumentFile, Function
from assay_spec.layers import checked, read_as
from assay_spec.model import Corpus, Op
from assay_spec.suggestion import suggestion

TORCH: Final = "2.13"
FOLDERS: Final = ("families", "documented")  # of what is no op

T = TypeVar("T")


def corpus_root() -> Path:
    """Find the corpus that ships with the package."""
    return Path(str(files("assay_spec")))


class Lazy(Mapping[str, T]):
    """A mapping that makes a value when it is asked for, once."""

    def __init__(self, paths: Mapping[str, Path], make: Callable[[str, Path], T]) -> None:
        self._paths, self._make = paths, make
        self._made: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self._made:
            self._made[name] = self._make(name, self._paths[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __contains__(self, name: object) -> bool:
        return name in self._paths


@cache
def load_corpus(root: Path | None = None) -> Corpus:
    """Find every spec file under a folder (the shipped corpus if none is named); its path is its op's name."""
    root = root or corpus_root()
    paths = sorted(root.rglob("*.yaml"))
    if not paths:
        raise SpecError(root, 1, "no spec files here", "point at a folder that holds .yaml files")
    folders = {folder: {path.stem: path for path in paths if path.parent == root / folder} for folder in FOLDERS}
    apart = {path for found in folders.values() for path in found.values()}
    own = {".".join(path.relative_to(root).with_suffix("").parts): path for path in paths if path not in apart}
    families, sources = Lazy(folders["families"], _family), Lazy(own, _source)

    def op(name: str, path: Path) -> Op:
        return build_op(sources[name], families, sources)

    def documented(name: str, path: Path) -> DocumentFile:
        return _documented(name, path, own)

    return Corpus(Lazy(own, op), families, sources, Lazy(folders["documented"], documented), TORCH, root)


def _source(name: str, path: Path) -> Document:
    document = read(path)
    said = checked(document)
    if not isinstance(said, (Function, Class)):
        raise _elsewhere(document, "family", said.family, f"families/{said.family}")
    if said.name != name:
        raise _elsewhere(document, "name", said.name, said.name.replace(".", "/"))
    return document


def _family(name: str, path: Path) -> Document:
    document = read(path)
    said = checked(document)
    if isinstance(said, (Function, Class)):
        raise _elsewhere(document, "name", said.name, said.name.replace(".", "/"))
    if said.family != name:
        raise _elsewhere(document, "family", said.family, f"families/{said.family}")
    return document


def _documented(name: str, path: Path, ops: Collection[str]) -> DocumentFile:
    document = read(path)
    said = read_as(DocumentFile, document, document.content)
    if said.document != name:
        raise _elsewhere(document, "document", said.document, f"documented/{said.document}")
    for key, named in (("ops", said.ops), ("errata", said.errata)):
        for op in named:
            if op not in ops:
                raise document.error((key, op), f"no op {op!r}", suggestion(op, ops))
    return said


def _elsewhere(document: Document, key: str, name: str, due: str) -> SpecError:
    return document.error((key,), f"{name} belongs at {due}.yaml", "move the file or change its name")
