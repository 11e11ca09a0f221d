"""Which items run a line of the reference: each item's cases performed once under coverage.py, kept in a file."""

from __future__ import annotations

import ast
import hashlib
import json
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from assay.backends.base import BackendUnusable
from assay.mutants.source.making import SourceMutant, digest, files, root
from assay_spec import load_corpus

if TYPE_CHECKING:
    from coverage import CoverageData

IMPORTED: Final = "import"  # the context of the lines that run before any item does
_INSTALL: Final = "mutants of the source need coverage.py: pip install 'coverage>=7.6'"


class Reach(NamedTuple):
    """Which items may see a mutant."""

    direct: tuple[str, ...] = ()  # they run its line
    near: tuple[
        str, ...
    ] = ()  # they run other lines of its definition; where each item that matters runs its line, none
    imported: bool = False  # whether its line runs when the module is imported


class Covering:
    """Which items run a line, as it was measured."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def reach(self, mutant: SourceMutant) -> Reach:
        """Return which items may see a mutant."""
        found = self._running(mutant.file, lines_of(mutant.file, mutant.line))
        direct, imported = found - {IMPORTED}, IMPORTED in found
        if direct and not imported:
            return Reach(tuple(sorted(direct)))
        near = self._running(mutant.file, definition_of(mutant.file, mutant.line)) - {IMPORTED}
        if imported and is_table(mutant.file, mutant.line):
            near = near or self.all
        return Reach(tuple(sorted(direct)), tuple(sorted(near - direct)), imported)

    def is_specified(self, mutant: SourceMutant) -> bool:
        """Return whether a mutant is in code that the corpus describes: some item runs a part of the definition."""
        contexts = self._contexts(mutant.file)
        around = definition_of(mutant.file, mutant.line)
        if is_table(mutant.file, mutant.line):
            return any(contexts.get(line) for line in around)
        return any(contexts.get(line, frozenset()) - {IMPORTED} for line in around)

    def _running(self, file: str, lines: range) -> set[str]:
        contexts = self._contexts(file)
        return set().union(*{id(each): each for line in lines if (each := contexts.get(line))}.values())

    @cached_property
    def all(self) -> set[str]:
        """Every item that was measured."""
        return set(self._data.measured_contexts()) - {IMPORTED, ""}

    @cached_property
    def _data(self) -> CoverageData:
        from coverage import CoverageData

        data = CoverageData(str(self.path))
        data.read()
        return data

    @cache  # noqa: B019 - as long as the run
    def _contexts(self, file: str) -> dict[int, frozenset[str]]:
        """Return the items that run each line; lines that the same items run share one set."""
        found = self._data.contexts_by_lineno(str(root() / file)).items()
        shared: dict[frozenset[str], frozenset[str]] = {}
        return {
            line: shared.setdefault(each, each) for line, each in ((line, frozenset(names)) for line, names in found)
        }


@cache
def lines_of(file: str, line: int) -> range:
    """Return the lines of the smallest statement around a line, of one with a body those of its head."""
    return _smallest(file, line, _statements(file))


@cache
def definition_of(file: str, line: int) -> range:
    """Return the lines of the smallest definition around a line, or else of the whole module."""
    return _smallest(file, line, _definitions(file))


def is_table(file: str, line: int) -> bool:
    """Return whether a line is in no definition, so that anything may depend on it."""
    return definition_of(file, line) == _smallest(file, line, [])


def _smallest(file: str, line: int, spans: Sequence[range]) -> range:
    """Return the smallest span around a line, or else all lines of the file."""
    body = _tree(file).body
    whole = range(1, (body[-1].end_lineno or 0) + 1) if body else range(0)
    return min((span for span in spans if line in span), key=len, default=whole)


@cache
def _statements(file: str) -> list[range]:
    return [_head(node) for node in ast.walk(_tree(file)) if isinstance(node, ast.stmt)]


@cache
def _definitions(file: str) -> list[range]:
    """List the lines of what is run later: of each function, each class, each statement with a lambda."""
    return [_span(node) for node in ast.walk(_tree(file)) if _is_definition(node)]


def _is_definition(node: ast.AST) -> bool:
    if isinstance(node, (ast.Assign, ast.Expr)):
        return any(isinstance(each, ast.Lambda) for each in ast.walk(node))
    return isinstance(node, (ast.FunctionDef, ast.ClassDef))


@cache
def _tree(file: str) -> ast.Module:
    return ast.parse((root() / file).read_text(encoding="utf-8"))


def _span(node: Any) -> range:
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
    return range(first, node.end_lineno + 1)


def _head(node: Any) -> range:
    whole, body = _span(node), getattr(node, "body", None)
    return range(whole.start, max(body[0].lineno, node.lineno + 1)) if isinstance(body, list) else whole


def covering(folder: Path, *, seed: int, jobs: int) -> Covering:
    """Return which items run which lines: from the folder where nothing has changed since, else measured."""
    try:
        from coverage import CoverageData
    except ImportError:
        raise BackendUnusable(_INSTALL) from None
    target, stamp = folder / "source-coverage", folder / "source-coverage.json"
    key = state(seed)
    if target.exists() and stamp.exists() and json.loads(stamp.read_text()) == key:
        return Covering(target)
    for path in (target, stamp):
        path.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as parts:
        data = CoverageData(str(target))
        for part in measured(Path(parts), list(load_corpus().ops), seed=seed, jobs=jobs):
            found = CoverageData(str(part))
            found.read()
            data.update(found)
        data.write()
    stamp.write_text(json.dumps(key))
    return Covering(target)


def state(seed: int) -> dict[str, Any]:
    """Return what decides which items run which lines."""
    source = hashlib.sha256("".join(map(digest, files())).encode()).hexdigest()[:12]
    return {"root": str(root()), "source": source, "corpus": load_corpus().spec_hash, "seed": seed}


def measured(folder: Path, names: Sequence[str], *, seed: int, jobs: int) -> Iterator[Path]:
    """Yield files of coverage, each of a share of the ops, from processes that have not imported the reference."""
    shares = [(folder / f"part{index}", names[index::jobs], seed) for index in range(jobs)]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_measure, shares)


def _measure(share: tuple[Path, Sequence[str], int]) -> Path:
    """Perform the cases of some ops under coverage, a context for each item."""
    from coverage import Coverage

    path, names, seed = share
    tracing = Coverage(data_file=str(path), include=[f"{root()}/*"], config_file=False)
    tracing.set_option("run:core", "ctrace")  # Python's own monitoring has no contexts
    tracing.start()
    try:
        tracing.switch_context(IMPORTED)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _perform(names, seed, tracing.switch_context)
    finally:
        tracing.stop()
        tracing.save()
    return path


def _perform(names: Sequence[str], seed: int, begin: Callable[[str], object]) -> None:
    """Perform the cases of every item of some ops on the reference."""
    from assay.backends.discover import open_backend
    from assay.mutants.source.hunting import trials_of
    from assay.running.items import items_of

    good = open_backend("reference")
    for op in filter(None, (load_corpus()[name].within("current") for name in names)):
        for item in items_of(op):
            begin(item.id)
            for trial in trials_of(item, good, "quick", seed):
                for case in filter(None, (trial.beside, trial.case)):
                    good.perform(case)
