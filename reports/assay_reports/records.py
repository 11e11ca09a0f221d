"""What results files hold, line by line; the schema and the tables in the docs are made from here."""

# No postponed annotations: the types of the fields are read.

import math
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from assay_reports.codes import CODES
from assay_reports.vocabulary import BROKEN, OUTCOMES
from assay_spec.typed import Pattern, Range, key

SCHEMA_VERSION: Final = 3

_LARGEST: Final = 1e308  # JSON has no infinity
if TYPE_CHECKING:
    CodeName = str
    OutcomeName = str
    EventKind = str
else:
    CodeName = Literal[tuple(CODES)]
    OutcomeName = Literal[tuple(OUTCOMES)]
    EventKind = Literal[(*OUTCOMES, "incident")]
Status = Literal["killed", "survived", "equivalent"]
Count = Annotated[int, Range(0, 10**9)]
Positive = Annotated[int, Range(1, 10**9)]
Total = Annotated[int, Range(0, 2**53)]  # of counts
Number = Annotated[float, Range(-_LARGEST, _LARGEST)]
Shard = Annotated[str, Pattern(r"^[1-9]\d*/[1-9]\d*$", "write it as I/N, like 2/4")]


@dataclass(frozen=True, slots=True)
class Suite:
    """The Assay that ran."""

    version: str = key("of Assay")
    spec_hash: str = key("a hash of the corpus")
    torch: str = key("the PyTorch that the corpus describes")


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a backend declares."""

    name: str = key("its name")
    version: str = key("its version", "")
    language: str = key("the language it is used from", "")
    device: str = key("the device in use", "")
    devices: tuple[str, ...] = key("all devices that it has", ())
    dtypes: tuple[str, ...] = key("its element types, of those that PyTorch has", ())
    features: tuple[str, ...] = key("what it can do", ())
    flushes_subnormals: bool = key("whether it says that it flushes subnormal numbers to zero", False)


@dataclass(frozen=True, slots=True)
class Oracle:
    """The backend whose answers count."""

    name: str = key("its name, or `none`")
    version: str = key("its version", "")
    file: str = key("where it was imported from", "")


@dataclass(frozen=True, slots=True)
class Environment:
    """The machine."""

    python: str = key("the version of Python")
    platform: str = key("the operating system")
    numpy: str = key("the version of NumPy")


@dataclass(frozen=True, slots=True)
class Selection:
    """What of the corpus ran."""

    filter: str = key("the query", "")
    effort: str = key("how many cases were drawn", "standard")
    shard: Shard = key("which part, `I/N`", "")


@dataclass(frozen=True, slots=True)
class Header:
    """The first line: who ran what."""

    schema_version: int = key(f"{SCHEMA_VERSION}")
    suite: Suite = key("the Assay that ran")
    settings: dict[str, str | int | float | bool] = key("what `assay repro` needs to do the same")
    edition: str = key("`current` or `documented`")
    backend: Candidate = key("what was measured")
    oracle: Oracle = key("whose answers count")
    env: Environment = key("on which machine")
    selection: Selection = key("what of the corpus")
    seed: int = key("of the random cases")
    planned: Total = key("how many items")
    started: str = key("when, in ISO 8601")
    command: str = key("what was typed")


@dataclass(frozen=True, slots=True)
class Worst:
    """The element that took most of its budget."""

    fraction: Number = key("error / budget; more than 1 is wrong")
    got: str = key("the element", "")
    want: str = key("what was expected", "")
    ulp: Number | None = key("how many units in the last place lie between them", None)
    index: tuple[Count, ...] = key("where it stands", ())


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or unsupported, in some of an item's cases, shown by the smallest of them."""

    code: CodeName = key("the kind of finding; `assay explain` says what it means")
    outcome: OutcomeName = key("what such a case came to")
    form: str = key("what is wrong, without the numbers and names of the case at hand")
    cases: Positive = key("how many cases show it")
    message: str = key("what is wrong in the smallest of them", "")
    expected: str = key("what was due", "")
    actual: str = key("what came", "")
    budget: str | None = key("how large an error was allowed", None)
    traceback: str = key("the innermost calls that led to what it raised", "")
    index: tuple[Count, ...] | None = key("which element is wrong", None)
    case: str = key("a hash of the case", "")
    call: str = key("the case in a line", "")
    snippet: str = key("the case as a program", "")

    @property
    def broken(self) -> bool:
        """Whether somebody has to mend it."""
        return self.outcome in BROKEN


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to the process of a backend; an `incident` did not happen again."""

    kind: EventKind = key("an outcome, or `incident`")
    after: str = key("the item that met it")
    signal: str | None = key("what killed the process", None)
    stderr_tail: str = key("the end of what it said", "")
    message: str = key("what happened", "")


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one item: an op, a facet and, where the facet has one for each, a dtype."""

    id: str = key("op, `::`, facet, and the dtype in brackets")
    hash: str = key("of all that decides its cases: where it differs, the test has changed")
    op: str = key("PyTorch's name")
    area: str = key("the part of PyTorch that the op belongs to")
    facet: str = key("what of the op was tested")
    outcome: OutcomeName = key("what its cases came to: the gravest where it is broken, else all, else `partial`")
    dtype: str | None = key("of the leading tensor", None)
    device: str = key("where it ran", "cpu")
    cases: Count = key("how many ran", 0)
    passed: Count = key("how many of them pass", 0)
    failed: Count = key("how many are wrong", 0)
    self: Count = key("how many were not judged for want of PyTorch", 0)
    unsupported: Count = key("how many the backend does not offer", 0)
    fallback: Count = key("how many another library computed", 0)
    ms: Number = key("how long it took, in milliseconds", 0.0)
    worst: Worst | None = key("the element that took most of its budget", None)
    excused: dict[str, Count] = key("elements that are right for a reason of their own, by the reason", {})
    findings: tuple[Finding, ...] = key("what is wrong or unsupported, the gravest first", ())

    @property
    def code(self) -> str | None:
        """The code of the gravest finding."""
        return self.findings[0].code if self.findings else None

    @property
    def message(self) -> str | None:
        """The message of the gravest finding."""
        return self.findings[0].message if self.findings else None

    @property
    def broken(self) -> tuple[Finding, ...]:
        """The findings that somebody has to mend."""
        return tuple(each for each in self.findings if each.broken)


@dataclass(frozen=True, slots=True)
class Footer:
    """The last line: how the run ended. A file without it was interrupted."""

    complete: bool = key("whether every planned item ran")
    counts: dict[str, dict[str, Total]] = key("items by outcome, and cases by what came of them", {})
    stop_reason: str | None = key("why the run stopped before its end", None)
    ended: str = key("when, in ISO 8601", "")


@dataclass(frozen=True, slots=True)
class Mutants:
    """The first line of a file of `assay mutants`: who was tested how."""

    schema_version: int = key(f"{SCHEMA_VERSION}")
    suite: Suite = key("the Assay that ran")
    backend: str = key("the backend whose answers were mutated")
    oracle: str = key("the backend whose answers count")
    selection: Selection = key("what of the corpus")
    seed: int = key("of the random cases")
    ops: Count = key("how many ops have mutants")
    started: str = key("when, in ISO 8601", "")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant of one op."""

    op: str = key("PyTorch's name")
    area: str = key("the part of PyTorch that the op belongs to")
    mutant: str = key("the kind of mutant, and of which argument, result, error or step")
    kind: str = key("the mutation operator")
    status: Status = key("`killed`, `survived` or `equivalent`")
    cases: Count = key("how many it took to kill the mutant, or how many it survived")
    call: str = key("a call that the mutant answers otherwise than the original", "")
    original: str = key("what the original answers", "")
    mutated: str = key("what the mutant answers", "")
    facet: str | None = key("the facet that killed it", None)
    item: str | None = key("the item that killed it", None)
    code: CodeName | None = key("the code of that item's finding", None)
    snippet: str = key("the call as a program", "")
    because: str | None = key("why the op's spec says that either answer is right", None)


def plain(record: Any) -> Any:
    """Return a record as JSON has it: without what is at its default."""
    if is_dataclass(record):
        values = ((each, getattr(record, each.name)) for each in fields(record))
        return {each.name: plain(value) for each, value in values if value not in (_default(each), "")}
    if isinstance(record, (tuple, list)):
        return [plain(each) for each in record]
    if isinstance(record, dict):
        return {name: plain(each) for name, each in record.items()}
    if isinstance(record, float) and not math.isfinite(record):
        return -_LARGEST if record < 0 else _LARGEST
    return record


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()
