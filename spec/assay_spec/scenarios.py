"""From the few lines of a scenario to a trace: assignments, calls, operators, indexing and closures, step by step."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from assay_spec import dtypes
from assay_spec.domains import Dtype
from assay_spec.plans import Slice
from assay_spec.steps import Form, Function, Look, Named, Ref, Step, Value, positions

BUILTINS: Final = frozenset(
    ("abs", "all", "any", "bool", "callable", "complex", "dict", "dir", "float", "getattr", "hasattr", "hash", "id",
     "int", "isinstance", "issubclass", "iter", "len", "list", "map", "max", "min", "next", "object", "range", "repr",
     "round", "set", "slice", "sorted", "str", "sum", "tuple", "type", "zip")
)  # fmt: skip
PACKAGES: Final = ("torch", "torchvision")
_OPERATORS: Final[dict[type[ast.AST], str]] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.FloorDiv: "floor_divide",
    ast.Mod: "remainder", ast.Pow: "pow", ast.MatMult: "matmul", ast.BitAnd: "bitwise_and", ast.BitOr: "bitwise_or",
    ast.BitXor: "bitwise_xor", ast.LShift: "lshift", ast.RShift: "rshift", ast.USub: "neg", ast.UAdd: "positive",
    ast.Invert: "bitwise_not", ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt",
    ast.GtE: "ge", ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in", ast.Not: "not",
}  # fmt: skip
# Statements and expressions that are no straight line, in words.
_WORDS: Final[dict[type[ast.AST], str]] = {
    ast.With: "a with block", ast.For: "a loop", ast.While: "a loop", ast.If: "a condition", ast.Try: "a try block",
    ast.ClassDef: "a class", ast.Import: "an import", ast.ImportFrom: "an import", ast.Delete: "del",
    ast.ListComp: "a comprehension", ast.GeneratorExp: "a comprehension", ast.DictComp: "a comprehension",
    ast.SetComp: "a comprehension", ast.BoolOp: "and, or", ast.IfExp: "a condition", ast.JoinedStr: "an f-string",
    ast.Starred: "unpacking", ast.Raise: "raise", ast.Assert: "assert", ast.Global: "global", ast.Nonlocal: "nonlocal",
    ast.Set: "a set", ast.NamedExpr: "an assignment inside an expression", ast.Yield: "a generator",
    ast.Compare: "a chained comparison",
}  # fmt: skip


class NotStraight(Exception):
    """A scenario that is not a straight line of steps; says which construct is in the way."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The steps of a scenario, and what is looked at on the way; where it stayed a program, the reason why."""

    steps: tuple[Step, ...]
    looks: tuple[Look, ...]
    stayed_a_program: str | None = None


def trace(run: str, expressions: Sequence[str]) -> Trace:
    """Turn a scenario into steps; one with control flow, a class or a `with` is one step, which is a program."""
    try:
        return lines(run, expressions)
    except NotStraight as reason:
        program = Step(run, {"expressions": tuple(expressions)}, form="program", name="program")
        looks = tuple(Look(Ref("program", (index,)), "program") for index in range(len(expressions)))
        return Trace((program,), looks, str(reason))


def lines(run: str, expressions: Sequence[str] = (), names: Iterable[str] = (), prefix: str = "_") -> Trace:
    """Turn lines that use some names into steps; raise NotStraight where they are no straight line.

    What has no name in the lines is numbered after the prefix.
    """
    parser = _Parser(set(names), (f"{prefix}{index}" for index in range(1_000_000)))
    for statement in ast.parse(run).body:
        parser.statement(statement)
    looks = tuple(parser.look(source) for source in expressions)
    return Trace(tuple(parser.steps), looks)


@dataclass
class _Parser:
    """Reads statements in order; what each of them does becomes a step."""

    names: set[str]  # what the scenario has assigned
    count: Iterator[str]  # of names for what has none
    steps: list[Step] = field(default_factory=list)

    def look(self, source: str) -> Look:
        value = self.value(ast.parse(source.strip(), mode="eval").body)
        if not self.steps:
            value = self.step("", (value,), "value")
        return Look(value, self.steps[-1].name)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=value):
                given = self.value(value)
                if isinstance(value, ast.Attribute):
                    self.step("", (given,), "value")  # it is read, and may be missing
            case ast.Assign(targets=targets, value=value):
                given = self.value(value, _lone_name(targets))
                for target in targets:
                    self.assign(target, given)
            case ast.AugAssign(target=target, op=op, value=value):
                self.augment(target, _OPERATORS[type(op)], self.value(value))
            case ast.FunctionDef(name=name, args=parameters, body=body, decorator_list=decorators):
                made: Value = self.function(parameters, body)
                for decorator in reversed(decorators):
                    made = self.called(self.owner(decorator), (made,))
                self.assign(ast.Name(name), made)
            case ast.Pass():
                pass
            case _:
                raise NotStraight(_word(node))

    def assign(self, target: ast.expr, given: Value) -> None:
        match target:
            case ast.Name(id=name):
                if given != Ref(name):
                    self.step("", (given,), "value", name)
                self.names.add(name)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                whole = self.step("", (given,), "iterate")
                for index, element in enumerate(elements):
                    self.assign(element, Ref(whole.name, (index,)))
            case ast.Attribute(value=owner, attr=attribute):
                self.step(attribute, (self.owner(owner), given), "set attribute")
            case ast.Subscript(value=owner, slice=index):
                self.step("__setitem__", (self.value(owner), self.index(index), given), "operator")
            case _:
                raise NotStraight(_word(target))

    def augment(self, target: ast.expr, operator: str, value: Value) -> None:
        match target:
            case ast.Name(id=name):
                self.step(operator, (self.value(target), value), "in-place operator", name)
                self.names.add(name)
            case ast.Attribute(value=owner, attr=attribute):
                whole = self.owner(owner)
                changed = self.step(operator, (_part(whole, attribute), value), "in-place operator")
                self.step(attribute, (whole, changed), "set attribute")
            case ast.Subscript(value=owner, slice=index):
                whole, at = self.value(owner), self.index(index)
                part = self.step("__getitem__", (whole, at), "operator")
                changed = self.step(operator, (part, value), "in-place operator")
                self.step("__setitem__", (whole, at, changed), "operator")
            case _:
                raise NotStraight(_word(target))

    def step(
        self,
        target: str,
        given: tuple[Value, ...],
        form: Form,
        name: str | None = None,
        named: dict[str, Value] | None = None,
        unpacked: str | None = None,
    ) -> Ref:
        """Add a step; return the reference to what it gives."""
        name = name or next(self.count)
        by_position = positions(given)
        self.steps.append(Step(target, {**by_position, **(named or {})}, tuple(by_position), form, name, unpacked))
        return Ref(name)

    def value(self, node: ast.expr, name: str | None = None) -> Value:
        """Return the value of an expression; what has to be done for it becomes steps."""
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=written):
                return self.named(written)
            case ast.Attribute():
                return self.attribute(node)
            case ast.Call():
                return self.call(node, name)
            case ast.BinOp(left=left, op=op, right=right):
                return self.step(_OPERATORS[type(op)], (self.value(left), self.value(right)), "operator", name)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() | complex() as number)):
                return -number
            case ast.UnaryOp(op=op, operand=operand):
                return self.step(_OPERATORS[type(op)], (self.value(operand),), "operator", name)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.step(_OPERATORS[type(op)], (self.value(left), self.value(right)), "operator", name)
            case ast.Subscript(value=owner, slice=index):
                return self.step("__getitem__", (self.value(owner), self.index(index)), "operator", name)
            case ast.Tuple(elts=elements):
                return tuple(map(self.value, elements))
            case ast.List(elts=elements):
                return [self.value(each) for each in elements]
            case ast.Dict(keys=keys, values=values) if all(isinstance(each, ast.Constant) for each in keys):
                given = zip(keys, values, strict=True)
                return {key.value: self.value(each) for key, each in given if isinstance(key, ast.Constant)}
            case ast.Lambda(args=parameters, body=body):
                return self.function(parameters, [ast.Return(body)])
            case ast.ListComp(elt=element, generators=[each]):
                return self.step("list", (self.mapped(element, each),), "builtin", name)
            case ast.GeneratorExp(elt=element, generators=[each]):
                return self.mapped(element, each)
            case ast.DictComp(key=key, value=value, generators=[each]):
                pairs = self.mapped(ast.Tuple([key, value], ast.Load()), each)
                return self.step("dict", (pairs,), "builtin", name)
        raise NotStraight(_word(node))

    def named(self, name: str) -> Value:
        if name in self.names:
            return Ref(name)
        if name in PACKAGES or name in BUILTINS:
            return Named(name)
        raise NotStraight(f"the name {name!r}")

    def attribute(self, node: ast.Attribute) -> Value:
        owner = self.owner(node.value)
        if isinstance(owner, Named) and owner.name == "torch" and node.attr in dtypes.ALL:
            return Dtype(node.attr)
        return _part(owner, node.attr)

    def owner(self, node: ast.expr) -> Value:
        """Return the owner of an attribute; a value without a name is given one by a step."""
        given = self.value(node)
        return given if isinstance(given, (Ref, Named)) else self.step("", (given,), "value")

    def call(self, node: ast.Call, name: str | None) -> Ref:
        function = self.owner(node.func)
        given, unpacked = self.arguments(node.args)
        if any(each.arg is None for each in node.keywords):
            raise NotStraight("unpacking")
        named = {str(each.arg): self.value(each.value) for each in node.keywords}
        return self.called(function, given, name, named, unpacked)

    def called(
        self,
        function: Value,
        given: tuple[Value, ...],
        name: str | None = None,
        named: dict[str, Value] | None = None,
        unpacked: str | None = None,
    ) -> Ref:
        """Call what has a name, a method of an object, or an object itself."""
        if isinstance(function, Named):
            form: Form = "function" if function.name.partition(".")[0] in PACKAGES else "builtin"
            return self.step(function.name, given, form, name, named, unpacked)
        owner, method = function, "__call__"
        if function.path and isinstance(function.path[-1], str):
            owner, method = Ref(function.name, function.path[:-1]), function.path[-1]
        if unpacked is not None:
            unpacked = str(int(unpacked) + 1)  # the owner stands before it
        return self.step(method, (owner, *given), "method", name, named, unpacked)

    def arguments(self, nodes: Sequence[ast.expr]) -> tuple[tuple[Value, ...], str | None]:
        """Return the positional arguments, and which of them is unpacked (`*args`)."""
        starred = [index for index, each in enumerate(nodes) if isinstance(each, ast.Starred)]
        if len(starred) > 1:
            raise NotStraight("unpacking")
        given = tuple(self.value(each.value if isinstance(each, ast.Starred) else each) for each in nodes)
        return given, str(starred[0]) if starred else None

    def index(self, node: ast.expr) -> Value:
        match node:
            case ast.Slice(lower=lower, upper=upper, step=step):
                return Slice(*(None if each is None else _constant(self.value(each)) for each in (lower, upper, step)))
            case ast.Tuple(elts=elements):
                return tuple(map(self.index, elements))
        return self.value(node)

    def mapped(self, element: ast.expr, each: ast.comprehension) -> Ref:
        """Read a comprehension: a function of one item, called with each item in turn."""
        if each.ifs or each.is_async:
            raise NotStraight("a comprehension with a condition")
        items = self.value(each.iter)
        inner = _Parser(self.names | {"item"}, self.count)
        inner.assign(each.target, Ref("item"))
        result = inner.value(element)
        return self.step("map", (Function(("item",), tuple(inner.steps), result), items), "builtin")

    def function(self, parameters: ast.arguments, body: Sequence[ast.stmt]) -> Function:
        """Read a lambda, or a function whose body is a straight line."""
        if parameters.vararg or parameters.kwarg or parameters.defaults or parameters.kwonlyargs:
            raise NotStraight("a function with defaults or any number of arguments")
        names = tuple(each.arg for each in (*parameters.posonlyargs, *parameters.args))
        inner = _Parser(self.names | set(names), self.count)
        result: Value = None
        for statement in body:
            if isinstance(statement, ast.Return):
                result = None if statement.value is None else inner.value(statement.value)
                break
            inner.statement(statement)
        return Function(names, tuple(inner.steps), result)


def _lone_name(targets: Sequence[ast.expr]) -> str | None:
    match targets:
        case [ast.Name(id=name)]:
            return name
    return None


def _part(owner: Value, attribute: str) -> Value:
    if isinstance(owner, Named):
        return Named(f"{owner.name}.{attribute}")
    return Ref(owner.name, (*owner.path, attribute))


def _constant(value: Value) -> int | None:
    if value is None or isinstance(value, int):
        return value
    raise NotStraight("a slice whose ends are computed")


def _word(node: ast.AST) -> str:
    return _WORDS.get(type(node), type(node).__name__)
