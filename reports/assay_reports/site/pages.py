"""The pages of the site, and what their templates read of all runs together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from assay_reports import vocabulary
from assay_reports.codes import CODES, Code
from assay_reports.expectations import Expectations
from assay_reports.history import histories
from assay_reports.mutants import MutationRun, Score, Verdict
from assay_reports.records import Finding
from assay_reports.results import Result, Run
from assay_reports.site.backends import Backend
from assay_reports.site.cells import GLYPHS, LABELS, Cell
from assay_reports.site.functions import Function
from assay_reports.site.names import anchor, labels, slugs, suffix
from assay_spec import dtypes
from assay_spec.model import Corpus, Op
from assay_spec.words import in_words

Page = tuple[str, str, dict[str, Any]]


class Site:
    """The runs, the corpus and the mutation run, as the templates read them."""

    def __init__(
        self,
        runs: Sequence[Run],
        corpus: Corpus,
        mutation: MutationRun | None = None,
        earlier: Iterable[Run] = (),
        expected: Expectations | None = None,
    ) -> None:
        self.corpus, self.mutation = corpus, mutation
        names = labels(runs)
        addresses = slugs(names)
        self.backends = [
            Backend(index, run, name, addresses[name], history, expected)
            for index, (run, name, history) in enumerate(zip(runs, names, histories(runs, earlier), strict=True))
        ]
        self.labels, self.glyphs = LABELS, GLYPHS
        self.in_words, self.anchor, self.suffix = in_words, anchor, suffix

    @cached_property
    def functions(self) -> list[Function]:
        """The ops that any run has results of: in the order of the corpus, then those that it does not have."""
        areas = {result.op: result.area for backend in self.backends for result in backend.run.results}
        names = [
            *(name for name in self.corpus.ops if name in areas),
            *(name for name in areas if name not in self.corpus),
        ]
        return [self._function(name, areas[name]) for name in names]

    def _function(self, name: str, area: str) -> Function:
        spec = self.corpus.ops.get(name)
        return Function(name, spec.area if spec else area, self._slugs[name], spec, self.backends)

    @cached_property
    def _slugs(self) -> dict[str, str]:
        """The file name of every op; those of the corpus come first, and are the same on every site."""
        return slugs([*self.corpus.ops, *(op for backend in self.backends for op in backend.by_op)])

    @cached_property
    def by_name(self) -> dict[str, Function]:
        return {function.name: function for function in self.functions}

    @cached_property
    def areas(self) -> dict[str, list[Function]]:
        groups: dict[str, list[Function]] = {}
        for function in self.functions:
            groups.setdefault(function.area, []).append(function)
        return dict(sorted(groups.items()))

    @property
    def words(self) -> dict[str, list[str]]:
        """What may follow the keys of a query of which not every word can be meant."""
        seen = [result for backend in self.backends for result in backend.run.results]
        return {
            "facet": list(dict.fromkeys([*vocabulary.FACETS, *(each.facet for each in seen)])),
            "dtype": list(dict.fromkeys([*dtypes.ALL, *(each.dtype for each in seen if each.dtype)])),
            "outcome": list(vocabulary.OUTCOMES),
        }

    def pages(self) -> Iterator[Page]:
        """Yield every page: its path, its template, and the variables of its own."""
        yield "index.html", "overview.html", {"title": "Overview"}
        yield "matrix.html", "matrix.html", {"title": "Matrix"}
        yield "coverage.html", "coverage.html", {"title": "Coverage"}
        for backend in self.backends:
            yield backend.page, "backend.html", {"title": backend.label, "backend": backend}
            if backend.changes is not None:
                yield backend.changes_page, "changes.html", {"title": f"{backend.label}: changes", "backend": backend}
        for function in self.functions:
            yield function.page, "op.html", {"title": function.name, "function": function, "op": function.spec}

    def group_cells(self, functions: Sequence[Function] | None = None) -> list[Cell]:
        """Return each backend's cell of some functions together, or of all."""
        chosen = self.functions if functions is None else functions
        return [
            Cell.of([result for function in chosen for result in function.results[backend.index]])
            for backend in self.backends
        ]

    def states(self, functions: Sequence[Function]) -> list[str]:
        """Return the states that the cells of functions and their items have."""
        results = [result for function in functions for some in function.results for result in some]
        seen = {result.outcome for result in results} | {cell.state for each in functions for cell in each.cells}
        return [state for state in LABELS if state in seen]

    @cached_property
    def item_count(self) -> int:
        return sum(len(function.items) for function in self.functions)

    def address(self, result: Result, backend: Backend | None = None) -> str:
        """Return where an item is shown; with a backend that is wrong there, where its findings are."""
        place = backend.place(result) if backend and result.broken else anchor(suffix(result))
        return f"{self.by_name[result.op].page}#{place}"

    def cause_address(self, backend: Backend, result: Result, finding: Finding) -> str:
        return f"{backend.page}#{anchor(backend.cause_of(result, finding).slug)}"

    @staticmethod
    def meaning(code: str) -> Code:
        return CODES[code]

    def agreement(self) -> list[tuple[str, int]]:
        """Count the ops by whether all, some or none of the backends that offer them have findings."""
        words: Counter[str] = Counter()
        for function in self.functions:
            judged = [cell for cell in function.cells if cell.score.conformance is not None]
            good = sum(not cell.broken for cell in judged)
            if not judged:
                words["offered by none"] += 1
            elif good == len(judged):
                words["right wherever offered"] += 1
            else:
                words["right in some, wrong in others" if good else "wrong wherever offered"] += 1
        return words.most_common()

    def mutants(self, op: str) -> Sequence[Verdict]:
        """Return the verdicts on the mutants of an op; none without a mutation run."""
        return self.mutation.by_op.get(op, ()) if self.mutation else ()

    def mutation_score(self, op: str) -> Score:
        return Score.over(self.mutants(op))

    @cached_property
    def references(self) -> list[Backend]:
        """The runs of the reference, on whatever device."""
        return [each for each in self.backends if each.run.name.partition(" (")[0] == "reference"]

    def cell(self, op: str, backend: Backend) -> Cell:
        """Return what an op came to on one backend."""
        return Cell.of(backend.by_op.get(op, []))

    def holds(self, op: Op) -> Mapping[str, Any]:
        """Return what the corpus holds of an op, in counts, and what was asked of it."""
        overloads = op.overloads
        asked = {result.facet for backend in self.backends for result in backend.by_op.get(op.name, [])}
        return {
            "names": [*op.aliases, *(f"{variant} form" for variant in op.variants)],
            "facets": [each for each in vocabulary.FACETS if each in asked],
            "examples": sum(len(each.examples) + len(each.trajectories) for each in overloads) + len(op.scenarios),
            "errors": sum(len(each.errors) for each in overloads),
            "dtypes": len(op.dtypes),
            "gradient": any(each.gradient for each in overloads),
            "errata": self.corpus.errata(op.name),
            "documents": self.corpus.documented(op.name),
        }
