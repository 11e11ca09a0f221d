"""From a folder of YAML files to the corpus, whose ops are read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeVar

from assay_spec.builder import build_op
from assay_spec.documents import Document, SpecError, read
from assay_spec.keys import Class, Function
from assay_spec.layers import checked
from assay_spec.model import Corpus, Op

TORCH: Final = "2.13"
FAMILIES: Final = "families"

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
    named = {".".join(path.relative_to(root).with_suffix("").parts): path for path in paths}
    shared = {path.stem: path for path in paths if path.parent == root / FAMILIES}
    own = {name: path for name, path in named.items() if path.parent != root / FAMILIES}
    families = Lazy(shared, _family)

    sources = Lazy(own, _placed)

    def op(name: str, path: Path) -> Op:
        return build_op(sources[name], families, sources)

    return Corpus(Lazy(own, op), families, sources, TORCH, root)


def _family(name: str, path: Path) -> Document:
    return _placed(f"{FAMILIES}.{name}", path)


def _placed(name: str, path: Path) -> Document:
    """Read a file, and check that it stands where its name belongs."""
    document = read(path)
    said = checked(document)
    key, due = ("name", said.name) if isinstance(said, (Function, Class)) else ("family", f"{FAMILIES}.{said.family}")
    if due != name:
        where = f"{due.replace('.', '/')}.yaml"
        raise document.error((key,), f"{getattr(said, key)} belongs at {where}", "move the file or change its name")
    return document
