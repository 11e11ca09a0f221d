"""What a spec file says, typed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from assay_spec import keys
from assay_spec.documents import Document
from assay_spec.domains import Domain, Many, Maybe, Tensors
from assay_spec.editions import EDITIONS, Edition
from assay_spec.expression import Expression, ExpressionError, Free, Names, alternatives, is_size_name
from assay_spec.keys import Bug, DocumentFile, OutDtype, Trajectory, Variant
from assay_spec.scenarios import Trace, trace
from assay_spec.signature import Signature
from assay_spec.steps import Form

__all__ = [
    "EDITIONS", "Argument", "Budget", "BudgetKind", "Bug", "Construct", "Corpus", "Documented", "Edition", "Erratum",
    "Example", "Misuse", "Op", "OutDtype", "Overload", "ResultKind", "ResultRule", "Scenario", "StateRule",
    "Trajectory", "Variant",
]  # fmt: skip

BudgetKind = Literal["exact", "ulp", "accumulation", "conditioned", "law", "free"]
ResultKind = Literal["tensor", "sequence", "value"]


@dataclass(frozen=True, slots=True)
class Cited:
    """Some lines of a document."""

    document: str
    title: str
    lines: str

    @property
    def at(self) -> str:
        return f"{self.document}:{self.lines}"

    @property
    def where(self) -> str:
        """Name the lines for a reader."""
        return f"the {self.document} ({self.title}), {'lines' if '-' in self.lines else 'line'} {self.lines}"


@dataclass(frozen=True, slots=True)
class Documented(Cited):
    """Where a document describes an op, and the signature it gives there."""

    signature: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Erratum(Cited):
    """A statement of a document that PyTorch contradicts."""

    says: str
    holds: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Budget:
    """How far from the oracle a right answer may be."""

    kind: BudgetKind
    amount: float = 1.0
    absolute: float = 0.0  # eps of 1 besides, for what subtracts from a step that saturates there

    def __str__(self) -> str:
        if self.kind == "ulp":
            return f"{self.amount:g} ulp"
        return self.kind if self.amount == 1 else f"{self.kind}, {self.amount:g} times"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call and the expression of its domain; one that is not in the signature is not passed."""

    name: str
    source: Expression
    passed: bool = True

    def domain(self, scope: Names) -> Domain:
        found = self.source(scope)
        if not isinstance(found, Domain):
            raise ExpressionError(f"{self.source.source!r} is not a domain")
        return found

    @property
    def kinds(self) -> tuple[str, ...]:
        """Name the alternatives of the domain: tensor, number, many.tensor, …"""
        return alternatives(self.source.source)

    @property
    def is_tensor(self) -> bool:
        """Whether the argument may be a tensor, or a list of them."""
        return any(kind.rpartition(".")[2] == "tensor" for kind in self.kinds)

    @property
    def is_size(self) -> bool:
        return is_size_name(self.name)


@dataclass(frozen=True, slots=True)
class ResultRule:
    """What shape and dtype a result has, or that it is a plain value."""

    name: str
    kind: ResultKind
    shape: Expression | None = None  # of a sequence: the shapes of its members
    dtype: Expression | None = None
    value: str | None = None


@dataclass(frozen=True, kw_only=True)
class Example(keys.Example):
    """A call with the answer it must give."""

    line: int = 0


@dataclass(frozen=True, slots=True)
class Misuse:
    """A call that must raise: written out, or by the argument that is out of range."""

    raises: str
    because: str
    call: Mapping[str, Any] | None = None
    out_of_range: str | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class StateRule:
    """A parameter or buffer that an instance holds."""

    name: str
    shape: Expression
    init: Expression | None = None
    when: Expression | None = None


@dataclass(frozen=True, slots=True)
class Construct:
    """How an instance of a class is made, and what it then holds."""

    signature: Signature
    arguments: tuple[Argument, ...]
    let: Mapping[str, Expression]
    require: tuple[Expression, ...]
    parameters: tuple[StateRule, ...]
    buffers: tuple[StateRule, ...]


@dataclass(frozen=True, kw_only=True)
class Scenario(keys.Scenario):
    """A short program in the API's own words, and what must hold after it."""

    line: int = 0

    @cached_property
    def trace(self) -> Trace:
        """The steps of the program, and what is looked at after them."""
        return trace(self.run, tuple(self.expect))


class _Unsettled(dict[str, Any]):
    """A scope in which every name is a size that nothing has fixed."""

    def __missing__(self, name: str) -> Free:
        return Free(name)


@dataclass(frozen=True, kw_only=True)
class Called:
    """How a call is made."""

    label: str = ""
    method: str | None = None  # None: the op is a function
    construct: Construct | None = None  # how the instance is made whose method it is
    signature: Signature
    variants: tuple[Variant, ...] = ()
    arguments: tuple[Argument, ...] = ()
    let: Mapping[str, Expression] = field(default_factory=dict)  # with those of the construction
    require: tuple[Expression, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What a call answers, and how that is judged."""

    results: tuple[ResultRule, ...] = ()
    named: bool = False  # the results are fields of a named tuple
    judge: Mapping[str, Budget] = field(default_factory=dict)
    laws: tuple[str, ...] = ()
    undefined: tuple[str, ...] = ()
    bugs: tuple[Bug, ...] = ()
    gradient: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # result -> the inputs it has gradients for
    conventions: tuple[str, ...] = ()  # where those are no derivatives
    random: Expression | None = None


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """What a call does to memory."""

    out_dtype: OutDtype = "castable"  # which element types out= may have
    shares: str | None = None  # the argument whose memory the result shares
    shares_when: Expression | None = None
    changes: tuple[str, ...] = ()  # the arguments that a call writes to, as its purpose or on the side
    changes_when: Expression | None = None


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Calls that are written down, with what comes of them."""

    special: tuple[tuple[Any, ...], ...] = ()
    examples: tuple[Example, ...] = ()
    errors: tuple[Misuse, ...] = ()
    trail: str | None = None  # what to look at after each of repeated calls
    objective: str | None = None  # the loss of a parameter `x`, where each of them needs a closure
    trajectories: tuple[Trajectory, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Overload(Shown, Remembered, Answered, Called):
    """One way to call a function or a method."""

    @property
    def always_given(self) -> frozenset[str]:
        """The arguments that are passed although they have a default."""
        arguments = (*self.arguments, *(self.construct.arguments if self.construct else ()))
        return frozenset(each.name for each in arguments if any(kind.startswith("given.") for kind in each.kinds))

    @property
    def leading(self) -> Argument | None:
        """The first argument that may be a tensor, or a list of them."""
        return next((each for each in self.arguments if each.is_tensor), None)

    @property
    def lead(self) -> Tensors | None:
        """The domain of the leading tensor, whose dtypes split the op's items."""
        if self.leading is None:
            return None
        for option in self.leading.domain(_Unsettled()).options:
            domain = option.each if isinstance(option, (Many, Maybe)) else option
            if isinstance(domain, Tensors):
                return domain
        return None


@dataclass(frozen=True, slots=True)
class Op:
    """One function, class or behaviour of PyTorch."""

    name: str
    area: str
    summary: str
    family: str | None
    aliases: tuple[str, ...]
    editions: tuple[Edition, ...]
    rules: Mapping[str, str]
    equivalent: Mapping[str, str]  # equivalent mutants -> why either answer is right
    overloads: tuple[Overload, ...]
    scenarios: tuple[Scenario, ...]
    file: Path
    files: tuple[Path, ...]  # that one, its families, and the function that it calls
    digest: str  # a hash of what the file says, its families and the function that it calls

    def within(self, edition: Edition) -> Op | None:
        """Return what an edition has of this op, or None where it does not have the op."""
        if edition not in self.editions:
            return None
        return replace(self, scenarios=tuple(each for each in self.scenarios if edition in each.editions))

    @property
    def short_name(self) -> str:
        return self.name.rsplit(".", 1)[-1]

    @property
    def form(self) -> Form:
        """How a plain call is written: as a function, as a method, or as Python's own brackets."""
        if self.name in ("torch.Tensor.__getitem__", "torch.Tensor.__setitem__"):
            return "operator"
        return "method" if self.is_method else "function"

    @property
    def is_method(self) -> bool:
        return self.name.startswith("torch.Tensor.")

    @property
    def variants(self) -> tuple[Variant, ...]:
        return tuple(dict.fromkeys(variant for overload in self.overloads for variant in overload.variants))

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The dtypes of the leading tensor argument, over all overloads, plainest first."""
        leads = [overload.lead for overload in self.overloads]
        return tuple(dict.fromkeys(name for lead in leads if lead for name in lead.dtypes))


@dataclass(frozen=True)
class Corpus:
    """Every op by name, read when it is asked for, and one hash over everything that decides a verdict."""

    ops: Mapping[str, Op]
    families: Mapping[str, Document]
    sources: Mapping[str, Document]  # the file of each op
    documents: Mapping[str, DocumentFile]
    torch: str
    root: Path

    @cached_property
    def spec_hash(self) -> str:
        """A hash of the files of ops and families as they stand: none need be read for what it says."""
        found = hashlib.sha256()
        for path in sorted(self.root.rglob("*.yaml")):
            if path.parent == self.root / "documented":
                continue  # what a document says decides no verdict
            found.update(f"{path.relative_to(self.root).as_posix()}\n".encode())
            found.update(path.read_bytes())
        return found.hexdigest()[:16]

    def documented(self, op: str) -> tuple[Documented, ...]:
        """Return where the documents describe an op."""
        mentions = [
            (file, each if isinstance(each, keys.Mention) else keys.Mention(lines=each))
            for file in self.documents.values()
            for each in file.ops.get(op, ())
        ]
        return tuple(
            Documented(file.document, file.title, str(each.lines), each.signature, each.note) for file, each in mentions
        )

    def errata(self, op: str) -> tuple[Erratum, ...]:
        """Return what the documents say of an op that PyTorch contradicts."""
        return tuple(
            Erratum(file.document, file.title, str(each.lines), each.says, each.holds, each.evidence)
            for file in self.documents.values()
            for each in file.errata.get(op, ())
        )

    def __iter__(self) -> Iterator[Op]:
        return iter(self.ops.values())

    def __getitem__(self, name: str) -> Op:
        return self.ops[name]

    def __contains__(self, name: object) -> bool:
        return name in self.ops

    def __len__(self) -> int:
        return len(self.ops)
