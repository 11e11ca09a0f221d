"""`assay lint`: the corpus checked, one small rule at a time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Final

import click

from assay.backends.discover import open_backend
from assay.cases.plan import ABSTAINED
from assay.cases.walk import walk
from assay.judge.laws import check_law
from assay.mutants import Hunt
from assay.mutants.families import mutants_of
from assay_spec.builder import build_op
from assay_spec.documents import read
from assay_spec.domains import Focus
from assay_spec.expression import ExpressionError
from assay_spec.keys import Class, Function
from assay_spec.layers import Layer, checked, family_of
from assay_spec.loader import load_corpus
from assay_spec.model import Op, Overload
from assay_spec.signature import Parameter
from assay_spec.suggestion import suggestion
from assay_spec.typed import keys_of

Complaint = tuple[int, str]
Rule = Callable[[Op], Iterator[Complaint]]

# Arguments that choose where and how a result is computed, not its values; and deprecated names of other arguments.
_NEVER_PASSED: Final = frozenset(
    ("out", "device", "dtype", "layout", "generator", "memory_format", "pin_memory", "requires_grad", "foreach",
     "fused", "differentiable", "capturable", "inplace", "sparse", "size_average", "reduce", "last_epoch", "closure",
     "epoch")
)  # fmt: skip


_OWN: Final = frozenset(("family", "where", "kind", "summary"))  # keys that a family and its member each have


def keys_in_order(op: Op) -> Iterator[Complaint]:
    """Keys are in the order of `assay_spec.keys`, so that every file reads alike."""
    document = read(op.file)
    for path, own, order in _mappings(checked(document), document.content):
        expected = sorted(own, key=order.index)
        for found, due in zip(own, expected, strict=True):
            if found != due:
                yield (
                    document.line(*path, found),
                    f"the key {found!r} comes before {due!r}; the order is {', '.join(expected)}",
                )
                break


def _mappings(
    typed: Any, content: Any, path: tuple[Any, ...] = ()
) -> Iterator[tuple[tuple[Any, ...], list[str], list[str]]]:
    """Yield the path of each mapping of a file, the keys that it has, and the order of those that it may have."""
    if is_dataclass(typed) and not isinstance(typed, type):
        yield path, list(content), [each.name for each in keys_of(type(typed))]
        parts = [(name, getattr(typed, name)) for name in content]
    elif isinstance(typed, (dict, tuple)) and isinstance(content, (dict, list)):
        parts = list(typed.items() if isinstance(typed, dict) else enumerate(typed))
    else:
        return
    for name, part in parts:
        yield from _mappings(part, content[name], (*path, name))


def is_at_its_path(op: Op) -> Iterator[Complaint]:
    """A file is at the path of its op's name."""
    path = Path(*op.name.split(".")).with_suffix(".yaml")
    if op.file.parts[-len(path.parts) :] != path.parts:
        yield 1, f"{op.name} belongs at {path}"


def has_worked_cases(op: Op) -> Iterator[Complaint]:
    """Nothing passes by default: an op has examples or scenarios."""
    if not op.scenarios and not any(each.examples or each.trajectories or each.special for each in op.overloads):
        yield 1, "no examples, trajectories or scenarios: add at least one worked case"


def rules_are_shown(op: Op) -> Iterator[Complaint]:
    """Each numbered rule is shown by an example or a scenario."""
    shown = {each.shows for overload in op.overloads for each in overload.examples}
    shown |= {each.shows for each in op.scenarios}
    for name in op.rules:
        if name not in shown:
            yield (
                read(op.file).line("rules", name),
                f"nothing shows {name}: add `shows: {name}` to an example or scenario",
            )


def family_is_not_repeated(op: Op) -> Iterator[Complaint]:
    """An op or overload with a family does not repeat what its family says."""
    document = read(op.file)
    own = checked(document)
    forms = getattr(own, "overloads", None) or ()
    layers = [Layer(document, ("overloads", index), each) for index, each in enumerate(forms)]
    for layer in (Layer(document, (), own), *layers):
        for family in family_of(layer, load_corpus().families):
            for key in (each.name for each in fields(layer.says) if each.name not in _OWN):
                said = getattr(layer.says, key)
                if said and said == getattr(family.says, key, None):
                    line = document.line(*layer.path, key)
                    yield line, f"{key!r} repeats the family {layer.says.family}: leave it out"


def domains_can_be_drawn(op: Op) -> Iterator[Complaint]:
    """Every overload has at least one call that its domains and requirements allow."""
    for overload in op.overloads:
        if not (overload.arguments or overload.construct):
            continue
        complaint = _undrawable(overload)
        if complaint:
            yield 1, f"no call can be drawn{f' for {overload.label}' if overload.label else ''}: {complaint}"


def _undrawable(overload: Overload) -> str | None:
    try:
        found = next(walk(overload, Focus(frozenset({"options"})), 8), None)
    except (*ABSTAINED, ValueError, TypeError, AttributeError, KeyError) as error:
        return f"{type(error).__name__}: {error}"
    return None if found is not None else "the domains or require: leave no call"


def arguments_are_passed(op: Op) -> Iterator[Complaint]:
    """Every optional argument is passed by some call, or a backend could ignore it and pass."""
    programs = "\n".join(each.run for each in op.scenarios)
    passed = {name for overload in op.overloads for name in _passed_by(overload)}
    optional = [each.name for overload in op.overloads for each in _parameters(overload) if not each.required]
    for name in dict.fromkeys(optional):
        exempt = name in _NEVER_PASSED or name.startswith("_")
        if not exempt and name not in passed and f"{name}=" not in programs:
            yield 1, f"no call passes {name!r}: add a domain, or pass it in an example or a scenario"


def _passed_by(overload: Overload) -> Iterator[str]:
    maker = overload.construct
    yield from (argument.name for argument in (*overload.arguments, *(maker.arguments if maker else ())))
    for example in overload.examples:
        yield from example.call


def _parameters(overload: Overload) -> Iterator[Parameter]:
    maker = overload.construct
    for signature in (overload.signature, *([maker.signature] if maker else [])):
        yield from (each for each in signature.parameters if each.kind != "options")


def misuses_can_be_tried(op: Op) -> Iterator[Complaint]:
    """An argument under `out_of_range:` has a domain with values out of range."""
    for overload in op.overloads:
        maker = overload.construct
        domains = {each.name: each for each in (*overload.arguments, *(maker.arguments if maker else ()))}
        for misuse in overload.errors:
            if misuse.out_of_range is not None and not _undrawable(overload):
                plan = next(walk(overload, Focus(frozenset({"options"})), 8))
                if next(domains[misuse.out_of_range].domain(plan.scope).invalid(), None) is None:
                    yield (
                        misuse.line,
                        f"no value of {misuse.out_of_range!r} is out of range: write a call instead",
                    )


def equivalents_are_right(op: Op) -> Iterator[Complaint]:
    """A mutant under `equivalent:` is one that the spec makes possible, some call distinguishes, and survives."""
    if not op.equivalent:
        return
    good = open_backend("reference")
    hunt, possible = Hunt(op, good, good), {mutant.name: mutant for mutant in mutants_of(op)}
    for index, name in enumerate(op.equivalent):
        line = read(op.file).line("equivalent", index)
        if name not in possible:
            yield line, f"the spec makes no mutant {name!r} possible; {suggestion(name, possible)}"
            continue
        verdict = hunt.verdict(possible[name])
        if verdict is None:
            yield line, f"no call distinguishes the mutant {name!r}: leave the declaration out"
        elif verdict.item is not None:
            yield line, f"{verdict.item} kills the mutant {name!r}: leave the declaration out"


def laws_can_be_read(op: Op) -> Iterator[Complaint]:
    """Laws, undefined points, conventions and bugs use defined names only."""
    for overload in op.overloads:
        where = (bug.where for bug in overload.bugs if bug.where)
        for source in (*overload.laws, *overload.undefined, *overload.conventions, *where):
            try:
                check_law(source, overload)
            except ExpressionError as error:
                yield 1, f"{source!r}: {error}"


def scenarios_can_be_read(op: Op) -> Iterator[Complaint]:
    """A scenario is Python."""
    for scenario in op.scenarios:
        try:
            _ = scenario.trace
        except SyntaxError as error:
            yield scenario.line, f"the scenario {scenario.name!r} is no Python: {error.msg}"


def sentences_end(op: Op) -> Iterator[Complaint]:
    """A summary is a sentence."""
    if not re.search(r"[.;]$", op.summary.strip()):
        yield read(op.file).line("summary"), "the summary ends without a full stop"


RULES: Final[tuple[Rule, ...]] = (
    keys_in_order,
    is_at_its_path,
    has_worked_cases,
    rules_are_shown,
    family_is_not_repeated,
    domains_can_be_drawn,
    misuses_can_be_tried,
    arguments_are_passed,
    equivalents_are_right,
    laws_can_be_read,
    scenarios_can_be_read,
    sentences_end,
)


def complaints(op: Op) -> Iterator[str]:
    """Yield the complaints about one op, with file and line."""
    for rule in RULES:
        for line, words in rule(op):
            yield f"{op.file}:{line}: {words}"


def check(files: Sequence[Path]) -> int:
    """Lint files (the whole corpus if none is named); return the exit code."""
    ops = list(_named(files)) if files else _all()
    found = [words for op in ops for words in complaints(op)]
    for words in found:
        click.echo(words)
    for words in () if found else (*programs(ops, each=bool(files)), *stepped_around(ops)):
        click.echo(words)
    click.echo(f"{len(ops)} specs, {len(found)} complaints")
    return 1 if found else 0


def programs(ops: Sequence[Op], *, each: bool) -> Iterator[str]:
    """Return how many scenarios cannot be traced as steps, and why: by reason, or one by one."""
    scenarios = [(op, scenario) for op in ops for scenario in op.scenarios]
    stayed = [(op, scenario, scenario.trace.stayed_a_program) for op, scenario in scenarios]
    reasons = Counter(reason for _, _, reason in stayed if reason)
    if each:
        yield from (f"{op.file}:{s.line}: {s.name!r} stays a program: {reason}" for op, s, reason in stayed if reason)
    if reasons:
        why = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
        yield f"{reasons.total()} of {len(scenarios)} scenarios stay programs, because they contain: {why}"


def stepped_around(ops: Sequence[Op]) -> Iterator[str]:
    """Yield the bugs of PyTorch's own that drawn calls step around, with the ops concerned."""
    found: dict[str, list[str]] = {}
    for op in ops:
        for name in {bug.finding for overload in op.overloads for bug in overload.bugs}:
            found.setdefault(name, []).append(op.name)
    for name, concerned in sorted(found.items()):
        yield f"steps around a bug of PyTorch, {name}: {', '.join(concerned)}"


def _all() -> list[Op]:
    corpus = load_corpus()
    list(corpus.families.values())  # those without a member too
    list(corpus.documents.values())
    return list(corpus)


def _named(files: Sequence[Path]) -> Iterator[Op]:
    corpus = load_corpus()
    for file in files:
        document = read(file.resolve())
        if isinstance(checked(document), (Function, Class)):
            yield build_op(document, corpus.families, corpus.sources)
