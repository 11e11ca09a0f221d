"""The expression language: Python expressions over names, evaluated by walking them, never by `eval`."""

from __future__ import annotations

import ast
import operator
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

Names = MutableMapping[str, Any]
Evaluate = Callable[[Names], Any]

ATTRIBUTES: Final = frozenset({"shape", "dtype", "ndim", "numel", "strides", "layout"})

_LONGEST: Final = 1 << 20  # elements of a sequence that is repeated
_BITS: Final = 4096  # of a power of integers
_DEEPEST: Final = 100  # expressions in expressions
_SHOWN: Final = 200  # characters of an expression in a message


class ExpressionError(ValueError):
    """An expression that the language does not have, or a name in it that nothing defines."""


def _power(base: Any, exponent: Any) -> Any:
    """Raise to a power; an integer that would fill the memory is refused."""
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * exponent > _BITS:
        raise ExpressionError(f"{base} ** {exponent} is too large")
    return base**exponent


def _times(first: Any, second: Any) -> Any:
    """Multiply; a sequence that would fill the memory is refused."""
    for items, count in ((first, second), (second, first)):
        if isinstance(items, (str, list, tuple)) and isinstance(count, int) and len(items) * count > _LONGEST:
            raise ExpressionError(f"{len(items)} elements, {count} times, are too many")
    return first * second


_BINARY: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: _times,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
}
_UNARY: Final[dict[type[ast.unaryop], Callable[[Any], Any]]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Invert: operator.invert,
}
_COMPARE: Final[dict[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda item, items: item in items,
    ast.NotIn: lambda item, items: item not in items,
}


class UnknownFunction(ExpressionError):
    """A call of a function that the vocabulary does not have."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"the vocabulary has no function {name!r}")
        self.name, self.known = name, known


@dataclass(frozen=True, slots=True)
class Free:
    """A size that no argument has fixed yet; what is computed from it is not fixed either."""

    name: str

    def _unfixed(self, other: object) -> Free:
        return Free("")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __floordiv__ = __rfloordiv__ = _unfixed

    def __neg__(self) -> Free:
        return Free("")


@dataclass(frozen=True, slots=True)
class FreeMany:
    """Any number of leading sizes that no argument has fixed yet: the `*N` of a shape."""

    name: str


class Expression:
    """One parsed expression: call it with the names it may use."""

    __slots__ = ("_evaluate", "names", "source")

    def __init__(self, source: str, vocabulary: Mapping[str, Any]) -> None:
        self.source = source
        tree = _parse(source)
        self.names = frozenset(name for name in _free_names(tree, frozenset()) if name not in vocabulary)
        self._evaluate = _compile(tree, vocabulary)

    def __call__(self, scope: Names) -> Any:
        return self._evaluate(scope)

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"


def is_size_name(name: str) -> bool:
    """Return whether a name stands for a size of its own: a capital letter, like the N, C, H, W of a shape."""
    return name[:1].isupper()


@cache
def alternatives(source: str) -> tuple[str, ...]:
    """Name what an expression calls: `tensor(…) | number()` gives tensor and number, `many(tensor(…))` many.tensor."""

    def called(node: ast.expr) -> Iterator[str]:
        match node:
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                yield from called(left)
                yield from called(right)
            case ast.IfExp(body=body, orelse=orelse):
                yield from called(body)
                yield from called(orelse)
            case ast.Call(func=ast.Name(id=name), args=args):
                inner = [f"{name}.{each}" for first in args[:1] for each in called(first)]
                yield from inner or [name]

    return tuple(called(_parse(source)))


def _parse(source: str) -> ast.expr:
    try:
        tree = ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        why = error.msg if isinstance(error, SyntaxError) else type(error).__name__
        raise ExpressionError(f"{_brief(source)} is not an expression: {why}") from None
    if _depth(tree) > _DEEPEST:
        raise ExpressionError(f"{_brief(source)} is not an expression: it is nested too deeply")
    return tree


def _brief(source: str) -> str:
    return repr(source if len(source) <= _SHOWN else f"{source[:_SHOWN]}…")


def _depth(tree: ast.AST) -> int:
    """Return how deeply a tree is nested."""
    deepest, due = 0, [(tree, 1)]
    while due:
        node, depth = due.pop()
        deepest = max(deepest, depth)
        due.extend((child, depth + 1) for child in ast.iter_child_nodes(node))
    return deepest


def _free_names(node: ast.AST, bound: frozenset[str]) -> Iterator[str]:
    """Name what an expression takes from its scope; a comprehension's variable counts only inside it."""
    match node:
        case ast.Name(id=name):
            if name not in bound:
                yield name
        case ast.ListComp(elt=element, generators=[ast.comprehension(target=target, iter=items)]):
            own = {each.id for each in ast.walk(target) if isinstance(each, ast.Name)}
            yield from _free_names(items, bound)
            yield from _free_names(element, bound | own)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _free_names(child, bound)


def _compile(node: ast.expr, vocabulary: Mapping[str, Any]) -> Evaluate:
    """Turn one node into a function of the scope."""

    def sub(child: ast.expr) -> Evaluate:
        return _compile(child, vocabulary)

    match node:
        case ast.Constant(value=value):
            return lambda scope: value
        case ast.Name(id=name):
            return _name(name, vocabulary)
        case ast.Attribute(value=owner, attr=attr):
            if attr not in ATTRIBUTES:
                raise ExpressionError(f".{attr} is not one of {', '.join(sorted(ATTRIBUTES))}")
            whole = sub(owner)
            return lambda scope: getattr(whole(scope), attr)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            return _call(name, args, keywords, vocabulary)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            apply, first, second = _BINARY[type(op)], sub(left), sub(right)
            return lambda scope: apply(first(scope), second(scope))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            change, value_of = _UNARY[type(op)], sub(operand)
            return lambda scope: change(value_of(scope))
        case ast.BoolOp(op=op, values=values):
            return _settled([sub(value) for value in values], by=isinstance(op, ast.Or))
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            return _comparison([sub(each) for each in (left, *comparators)], [_COMPARE[type(op)] for op in ops])
        case ast.IfExp(test=test, body=body, orelse=orelse):
            condition, then, otherwise = sub(test), sub(body), sub(orelse)
            return lambda scope: then(scope) if condition(scope) else otherwise(scope)
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return _sequence(elements, vocabulary)
        case ast.Subscript(value=owner, slice=index):
            whole, at = sub(owner), _index(index, vocabulary)
            return lambda scope: whole(scope)[at(scope)]
        case ast.ListComp(elt=element, generators=[ast.comprehension(target=target, iter=items, ifs=[])]):
            return _comprehension(sub(element), target, sub(items))
    raise ExpressionError(f"the language has no {type(getattr(node, 'op', node)).__name__}")


def _name(name: str, vocabulary: Mapping[str, Any]) -> Evaluate:
    if name in vocabulary:
        word = vocabulary[name]
        return lambda scope: scope.get(name, word)
    if is_size_name(name):
        free = Free(name)
        return lambda scope: scope.get(name, free)

    def look_up(scope: Names) -> Any:
        try:
            return scope[name]
        except KeyError:
            raise ExpressionError(f"nothing defines {name!r} here") from None

    return look_up


def _call(name: str, args: list[ast.expr], keywords: list[ast.keyword], vocabulary: Mapping[str, Any]) -> Evaluate:
    function = vocabulary.get(name)
    if not callable(function):
        raise UnknownFunction(name, tuple(word for word, value in vocabulary.items() if callable(value)))
    if any(keyword.arg is None for keyword in keywords):
        raise ExpressionError("the language has no ** in a call")
    positional = _sequence(args, vocabulary)
    named = {keyword.arg: _compile(keyword.value, vocabulary) for keyword in keywords if keyword.arg}
    if not named:
        return lambda scope: function(*positional(scope))
    return lambda scope: function(*positional(scope), **{key: value(scope) for key, value in named.items()})


def _settled(parts: list[Evaluate], by: bool) -> Evaluate:
    """Return the first operand that settles an `or` (by being true) or an `and` (by being false), else the last."""

    def settle(scope: Names) -> Any:
        for part in parts[:-1]:
            value = part(scope)
            if bool(value) is by:
                return value
        return parts[-1](scope)

    return settle


def _comparison(parts: list[Evaluate], tests: list[Callable[[Any, Any], Any]]) -> Evaluate:
    if len(tests) == 1:
        first, second, test = parts[0], parts[1], tests[0]
        return lambda scope: test(first(scope), second(scope))

    def chain(scope: Names) -> bool:
        values = [part(scope) for part in parts]
        return all(test(values[at], values[at + 1]) for at, test in enumerate(tests))

    return chain


def _sequence(elements: list[ast.expr], vocabulary: Mapping[str, Any]) -> Evaluate:
    parts = [
        (_compile(element.value, vocabulary), True)
        if isinstance(element, ast.Starred)
        else (_compile(element, vocabulary), False)
        for element in elements
    ]
    if not any(starred for _, starred in parts):
        plain = [part for part, _ in parts]
        return lambda scope: tuple([part(scope) for part in plain])

    def unpacked(scope: Names) -> tuple[Any, ...]:
        return tuple(item for part, starred in parts for item in (_unpacked(part(scope)) if starred else [part(scope)]))

    return unpacked


def _unpacked(value: Any) -> Iterator[Any]:
    return iter([FreeMany(value.name)] if isinstance(value, Free) else value)


def _index(node: ast.expr, vocabulary: Mapping[str, Any]) -> Evaluate:
    if isinstance(node, ast.Tuple) and any(isinstance(each, ast.Slice) for each in node.elts):
        items = [_index(each, vocabulary) for each in node.elts]
        return lambda scope: tuple([item(scope) for item in items])
    if not isinstance(node, ast.Slice):
        return _compile(node, vocabulary)
    bounds = [_compile(each, vocabulary) if each else None for each in (node.lower, node.upper, node.step)]
    return lambda scope: slice(*[bound(scope) if bound else None for bound in bounds])


def _comprehension(element: Evaluate, target: ast.expr, items: Evaluate) -> Evaluate:
    match target:
        case ast.Name(id=name):
            return lambda scope: tuple([element(ChainMap({name: item}, scope)) for item in items(scope)])
        case ast.Tuple(elts=elements) if all(isinstance(each, ast.Name) for each in elements):
            names = [each.id for each in elements if isinstance(each, ast.Name)]
            return lambda scope: tuple(
                [element(ChainMap(dict(zip(names, item, strict=True)), scope)) for item in items(scope)]
            )
    raise ExpressionError("a comprehension's variable must be a name or a tuple of names")
