"""Source mutants: every small change to a file of the reference, made on its syntax tree."""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

PACKAGE: Final = "assay_reference"

_OPERATORS: Final[dict[type[ast.AST], tuple[str, type[ast.AST]]]] = {
    ast.Lt: ("comparison", ast.LtE),
    ast.LtE: ("comparison", ast.Lt),
    ast.Gt: ("comparison", ast.GtE),
    ast.GtE: ("comparison", ast.Gt),
    ast.Eq: ("comparison", ast.NotEq),
    ast.NotEq: ("comparison", ast.Eq),
    ast.Is: ("comparison", ast.IsNot),
    ast.IsNot: ("comparison", ast.Is),
    ast.In: ("comparison", ast.NotIn),
    ast.NotIn: ("comparison", ast.In),
    ast.Add: ("operator", ast.Sub),
    ast.Sub: ("operator", ast.Add),
    ast.Mult: ("operator", ast.Add),
    ast.Div: ("operator", ast.Mult),
    ast.FloorDiv: ("operator", ast.Mult),
    ast.Mod: ("operator", ast.Mult),
    ast.Pow: ("operator", ast.Mult),
    ast.MatMult: ("operator", ast.Mult),
    ast.BitAnd: ("operator", ast.BitOr),
    ast.BitOr: ("operator", ast.BitAnd),
    ast.BitXor: ("operator", ast.BitOr),
    ast.LShift: ("operator", ast.RShift),
    ast.RShift: ("operator", ast.LShift),
    ast.And: ("condition", ast.Or),
    ast.Or: ("condition", ast.And),
}
# Without these, an argument is mostly as good as before, or no argument of that kind at all.
_CONVERSIONS: Final = frozenset({"tuple", "list", "int", "float", "bool", "str", "iter", "dict", "type", "repr"})


@dataclass(frozen=True, slots=True)
class SourceMutant:
    """One small change to a statement of the reference."""

    file: str  # in the package, as `core/op.py`
    function: str  # the definition that the statement is in, as `Op.__init__`; empty at a module's top
    before: str  # the statement; the head of one that has a body
    after: str
    occurrence: int  # which of the equal changes in that function, from 1
    kind: str
    line: int
    number: int  # which of the file's mutants

    @property
    def identity(self) -> str:
        """What the mutant is called, wherever its lines stand."""
        return identity(self.file, self.function, self.before, self.after, self.occurrence)


@dataclass(frozen=True, slots=True)
class Change:
    """A node of a syntax tree, what may stand in its stead, and the statement that it is a part of."""

    parent: ast.AST
    field: str
    index: int | None
    new: ast.AST
    kind: str
    statement: ast.AST
    function: str
    line: int

    def swap(self, node: ast.AST) -> ast.AST:
        """Put a node where the change is; return the one that was there."""
        if self.index is None:
            old: ast.AST = getattr(self.parent, self.field)
            setattr(self.parent, self.field, node)
            return old
        nodes = getattr(self.parent, self.field)
        old, nodes[self.index] = nodes[self.index], node
        return old


def identity(file: str, function: str, before: str, after: str, occurrence: int) -> str:
    """Return what a change is called, wherever its lines stand."""
    return f"{file} {function}: {before} -> {after} #{occurrence}"


def root() -> Path:
    """Return the folder of the reference's source, without importing it."""
    spec = find_spec(PACKAGE)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


def files() -> list[str]:
    """List the files of the reference."""
    return sorted(path.relative_to(root()).as_posix() for path in root().rglob("*.py"))


def module_of(file: str) -> str:
    """Return the name of the module in a file of the reference."""
    parts = [PACKAGE, *Path(file).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def digest(file: str) -> str:
    """Return a hash of a file of the reference."""
    return hashlib.sha256((root() / file).read_bytes()).hexdigest()[:12]


@cache
def mutants_of(file: str) -> list[SourceMutant]:
    """Return every mutant of a file of the reference."""
    return mutants_in((root() / file).read_text(encoding="utf-8"), file)


def mutants_in(source: str, file: str) -> list[SourceMutant]:
    """Return every mutant of a source text."""
    found, seen = [], Counter[tuple[str, str, str]]()
    for number, change in enumerate(changes(ast.parse(source))):
        before = head(change.statement)
        old = change.swap(change.new)
        after = head(change.statement) if old is not change.statement else "pass"
        change.swap(old)
        which = (change.function, before, after)
        seen[which] += 1
        found.append(SourceMutant(file, *which, seen[which], change.kind, change.line, number))
    return found


def mutated(source: str, number: int) -> ast.Module:
    """Return the syntax tree of a source text with one of its changes made."""
    tree = ast.parse(source)
    change = list(changes(tree))[number]
    change.swap(ast.copy_location(change.new, change.statement))
    return ast.fix_missing_locations(tree)


def head(statement: ast.AST) -> str:
    """Return a statement as source text; of one with a body only what stands above it."""
    lines = ast.unparse(statement).splitlines()
    if not isinstance(getattr(statement, "body", None), list):
        return " ".join(map(str.strip, lines))
    colon = next(index for index, line in enumerate(lines) if line.endswith(":"))
    return " ".join(map(str.strip, lines[: colon + 1]))


def changes(tree: ast.Module) -> list[Change]:
    """Return every change to a module, in the order of its text."""
    imports = (node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)))
    known = frozenset(name.asname or name.name for node in imports for name in node.names) | {"self", "cls"}
    return list(_changes(tree, tree, "", known))


def _changes(node: ast.AST, statement: ast.AST, function: str, known: frozenset[str]) -> Iterator[Change]:
    for name, index, child in _children(node):
        if _is_text(node, name, child):
            continue
        inner = child if isinstance(child, (ast.stmt, ast.match_case, ast.ExceptHandler)) else statement
        within = _within(node, name, function)
        line = int(getattr(child, "lineno", getattr(node, "lineno", 0)))
        for kind, new in _alternatives(node, name, child, known):
            yield Change(node, name, index, new, kind, inner, within, line)
        yield from _changes(child, inner, within, known)


def _within(node: ast.AST, field: str, function: str) -> str:
    """Return the name of the definition that a part of a node is in: a decorator or default is not in the function."""
    if field == "body" and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return f"{function}.{node.name}".lstrip(".")
    return function


def _children(node: ast.AST) -> Iterator[tuple[str, int | None, ast.AST]]:
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            yield name, None, value
        elif isinstance(value, list):
            yield from ((name, index, each) for index, each in enumerate(value) if isinstance(each, ast.AST))


def _is_text(parent: ast.AST, field: str, node: ast.AST) -> bool:
    """Return whether a part of the source is about types or wording only, or checks what is always so."""
    match node:
        case ast.JoinedStr() | ast.Raise() | ast.Assert() | ast.Import() | ast.ImportFrom():
            return True
        case ast.If(test=ast.Name("TYPE_CHECKING")):
            return True
        case ast.FunctionDef(decorator_list=[ast.Name("overload"), *_]):
            return True
        case ast.AnnAssign(annotation=ast.Name("TypeAlias")):
            return True
        case ast.Assign(value=ast.BinOp(op=ast.BitOr())) if isinstance(parent, ast.Module):
            return True
        case ast.Call() if "warn" in _called(node):
            return True
        case ast.If(body=[ast.Expr(ast.Call() as call)], orelse=[]) if "warn" in _called(call):
            return True
        case ast.BinOp(left=left, right=right) if any(map(_is_string, (left, right))):
            return True
    return field in ("annotation", "returns")


def _is_string(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _called(call: ast.Call) -> str:
    """Return the last part of the name of what is called."""
    match call.func:
        case ast.Name(name) | ast.Attribute(attr=name):
            return name
    return ""


def _alternatives(parent: ast.AST, field: str, node: ast.AST, known: frozenset[str]) -> Iterator[tuple[str, ast.AST]]:
    """Yield what may stand in a node's stead, each with the kind of change."""
    if type(node) in _OPERATORS:
        kind, other = _OPERATORS[type(node)]
        yield kind, other()
    if _is_condition(parent, field) and not isinstance(node, ast.Constant):
        yield "condition", ast.Constant(False)
        if not isinstance(parent, ast.While):  # which would never end
            yield "condition", ast.Constant(True)
    match node:
        case ast.Constant(bool() | int() | float() as value):
            yield "constant", ast.Constant(_another(value))
        case ast.UnaryOp(op=ast.USub() | ast.Invert() | ast.Not(), operand=operand):
            yield "operator", operand
        case ast.Expr(value=ast.Call() as call) if "warn" not in _called(call):
            yield "dropped call", ast.Pass()
        case ast.Call(func=ast.Attribute(value=owner)) if _is_used(parent, field) and not _is_among(known, owner):
            yield "dropped call", owner
        case ast.Call(args=[only], keywords=[]) if _is_used(parent, field) and _called(node) not in _CONVERSIONS:
            if not isinstance(only, (ast.Starred, ast.GeneratorExp)):
                yield "dropped call", only


def _is_used(parent: ast.AST, field: str) -> bool:
    """Return whether what a call returns is used as a value."""
    return field != "decorator_list" and not isinstance(parent, ast.Expr)


def _is_among(names: frozenset[str], node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def _is_condition(parent: ast.AST, field: str) -> bool:
    return (field == "test" and isinstance(parent, (ast.If, ast.IfExp, ast.While))) or (
        field == "ifs" and isinstance(parent, ast.comprehension)
    )


def _another(value: Any) -> Any:
    """Return another constant of the same type."""
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else value * 2 or 1.0


def sample(mutants: Sequence[SourceMutant], size: int, seed: int) -> list[SourceMutant]:
    """Return some mutants, by seed: a larger sample holds the smaller one, and changed code leaves the others in it."""

    def rank(mutant: SourceMutant) -> str:
        return hashlib.sha256(f"{seed} {mutant.identity}".encode()).hexdigest()

    return sorted(mutants, key=rank)[:size]
