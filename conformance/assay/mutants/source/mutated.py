"""`python -m assay.mutants.source.mutated FILE NUMBER reference …`: a worker that serves a mutant of the reference."""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any, Final

from assay.backends import worker
from assay.backends.process import WorkerBackend
from assay.mutants.source.making import SourceMutant, module_of, mutated

_MEMORY: Final = 8 << 30  # bytes that a mutant may take


class MutantFinder(MetaPathFinder):
    """Finds one module with one of its changes made; the file itself is left alone."""

    def __init__(self, file: str, number: int) -> None:
        self.module, self.number = module_of(file), number

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        assert spec is not None and spec.origin is not None
        spec.loader = MutantLoader(fullname, spec.origin, self.number)
        return spec


class MutantLoader(SourceFileLoader):
    """Compiles a changed syntax tree."""

    def __init__(self, fullname: str, path: str, number: int) -> None:
        super().__init__(fullname, path)
        self.number = number

    def get_code(self, fullname: str) -> CodeType:
        found: Any = compile(mutated(self.get_data(self.path).decode(), self.number), self.path, "exec")
        return found  # type: ignore[no-any-return]


class MutantBackend(WorkerBackend):
    """The reference with one change to its source, in a process of its own."""

    def __init__(self, mutant: SourceMutant, *, time_limit: float) -> None:
        self.program = (__name__, mutant.file, str(mutant.number))
        super().__init__("reference", time_limit=time_limit)


def main() -> None:
    """Serve the reference with one change to one of its files."""
    file, number = sys.argv[1:3]
    del sys.argv[1:3]
    sys.meta_path.insert(0, MutantFinder(file, int(number)))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    worker.main()


if __name__ == "__main__":
    main()
