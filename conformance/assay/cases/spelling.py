"""Cases as text: a call on one line, and a program that a user can paste."""

from __future__ import annotations

import base64
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from assay.cases.case import MADE, Case, TensorValue, references
from assay_spec import load_corpus
from assay_spec.domains import Dtype
from assay_spec.plans import Slice
from assay_spec.steps import Function, Named, Ref, Step, Value

_LONG: Final = 64  # elements beyond which a tensor's bytes are written, compressed, in place of its numbers
_SIGNS: Final = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "floor_divide": "//", "pow": "**", "remainder": "%", "matmul": "@",
    "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^", "lshift": "<<", "rshift": ">>",
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "is": "is", "is not": "is not",
    "in": "in", "not in": "not in",
}  # fmt: skip
_PREFIXES: Final = {"neg": "-", "positive": "+", "bitwise_not": "~", "not": "not "}


def one_line(case: Case) -> str:
    """Return a case as one line, tensors by dtype and shape."""
    if case.scenario:
        return f"{case.op}: {case.scenario}"
    writer = _Writer(_brief)
    made, call = case.step(MADE), case.call
    if made is not None:
        writer.words[MADE] = writer.expression(made)
    if call is not None:
        return writer.statement(call) or writer.expression(call)
    calls = sum(step.name.startswith("call") and step.name[4:].isdigit() for step in case.steps)
    return f"{writer.words.get(MADE, case.op)}" + (f", {calls} calls" if calls else "")


def program(case: Case, module: str = "torch", device: str = "cpu") -> str:
    """Return a case as a whole program with PyTorch's names, for a module that has them."""
    lines = list(_lines(case))
    head = ["import torch" if module == "torch" else f"import {module} as torch"]
    if any("torchvision." in line for line in lines):
        head.append("import torchvision" if module == "torch" else f"from {module} import torchvision")
    if any("_unpacked(" in line for line in lines):
        head = ["import base64, zlib", "import numpy", *head, "", *_UNPACKED, ""]
    if any("_flat(" in line for line in lines):
        head += ["", *_FLAT, ""]
    if device != "cpu":
        head.append(f"torch.set_default_device({device!r})")
    return "\n".join([*head, *lines])


# What a program brings along for tensors that are too long to be read.
_UNPACKED: Final = (
    "def _unpacked(text, element, shape):",
    "    data = zlib.decompress(base64.b85decode(text))",
    "    return numpy.frombuffer(data, element).reshape(shape).tolist()",
)
# What a program brings along where an answer may hold several results, perhaps nested.
_FLAT: Final = (
    "def _flat(answer):",
    "    several = isinstance(answer, (tuple, list))",
    "    return [each for part in answer for each in _flat(part) if each is not None] if several else [answer]",
)


def _lines(case: Case) -> Iterator[str]:
    writer = _Writer(literal)
    uses = Counter(ref.name for step in case.steps for ref in references(step.arguments))
    uses.update(ref.name for look in case.looks for ref in references(look.at))
    if case.seed is not None:
        yield f"torch.manual_seed({case.seed})"
    looks = case.looks_by_step()
    unpacked = 0  # steps that an unpacking assignment has written already
    for index, step in enumerate(case.steps):
        if unpacked:
            unpacked -= 1
            continue
        names = _unpacking(case.steps[index:], uses)
        if names:
            unpacked = len(names)
            yield f"{', '.join(names)} = {writer.write(step.arguments['0'])}"
            continue
        if step.form == "program":
            yield from step.target.rstrip().splitlines()
            yield from (f"print({each})" for each in step.arguments["expressions"])
            return
        yield from _step(step, case, writer, uses)
        yield from (f"print({writer.write(value)})" for value in looks.get(index, ()))


def _unpacking(steps: Sequence[Step], uses: Mapping[str, int]) -> list[str]:
    """Return the names that the parts of a first step are assigned to, in order, if it has no other use."""
    first, *others = steps
    names: list[str] = []
    if first.form != "iterate":
        return names
    for step in others:
        if step.form != "value" or step.arguments["0"] != Ref(first.name, (len(names),)):
            break
        names.append(step.name)
    return names if len(names) == uses[first.name] else []


def _step(step: Step, case: Case, writer: _Writer, uses: Mapping[str, int]) -> Iterator[str]:
    """Return one step as a statement or an assignment to its name; nothing if a later line contains its expression."""
    for name, value in step.arguments.items():
        yield from writer.defined(value)
        if isinstance(value, TensorValue) and not step.name:
            variable = "x" if name in ("input", "self") else name
            yield f"{variable} = {tensor(value)}"
            writer.inputs[id(value)] = variable
    if not step.name:
        yield from _call(step, case, writer)
        return
    statement = writer.statement(step)
    if statement is not None:
        yield statement
        writer.words[step.name] = writer.write(step.arguments["0"]) if step.form == "in-place operator" else step.name
    elif step.name.startswith("_") and uses[step.name] == 1:
        writer.inline(step)
    else:
        expression = writer.expression(step)
        is_kept = uses[step.name] or (case.scenario and not step.name.startswith("_"))
        yield f"{step.name} = {expression}" if is_kept else expression


def _call(step: Step, case: Case, writer: _Writer) -> Iterator[str]:
    """Return the lines of the call that a case is about, and of what is observed."""
    statement = writer.statement(step)
    if statement is not None:
        yield statement
        called = writer.write(next(iter(step.arguments.values())))
    else:
        called = writer.expression(step)
    if not case.wrt:
        yield called if case.looks else f"print({called})"
        return
    several = _has_several_results(case.op)
    yield f"y = _flat({called})" if several else f"y = {called}"
    yield "print(y)"
    outputs = ", ".join(f"y[{index}]" if several else "y" for index in case.upstream)
    leaves = {name: _leaf(name, step, writer) for name in case.wrt}
    if case.spoiled:
        result = f"y[{case.spoiled}]" if several else "y"
        yield "with torch.no_grad():"
        yield f"    {result if case.spoiled.isdigit() else _leaf(case.spoiled, step, writer)}.add_(1)"
    if case.second:
        yield from _twice(case, outputs, leaves)
        return
    yield f"torch.autograd.backward([{outputs}], [{', '.join(map(tensor, case.upstream.values()))}])"
    yield from (f"print({leaf}.grad)" for leaf in leaves.values())


def _leaf(name: str, step: Step, writer: _Writer) -> str:
    """Return the tensor to differentiate by as text."""
    owner, _, index = name.partition(".")
    if owner not in step.arguments:
        return f"{MADE}.{name}"
    return f"{owner}[{index}]" if index else writer.write(step.arguments[owner])


def _twice(case: Case, outputs: str, leaves: Mapping[str, str]) -> Iterator[str]:
    """Return the lines that take gradients, and the gradients of these."""
    yield f"upstream = [{', '.join(map(tensor, case.upstream.values()))}]"
    yield f"leaves = [{', '.join(leaves.values())}]"
    yield f"gradients = torch.autograd.grad([{outputs}], leaves, upstream, create_graph=True, allow_unused=True)"
    yield f"seconds = [{', '.join(map(tensor, case.second.values()))}]"
    chosen = f"zip([gradients[i] for i in {[list(leaves).index(name) for name in case.second]}], seconds)"
    yield f"ends = [(g, v) for g, v in {chosen} if g is not None and g.requires_grad]"
    flowing = [list(case.upstream).index(index) for index in case.flowing]
    yield f"sources = [*leaves, *(upstream[i] for i in {flowing})]"
    yield "second = torch.autograd.grad([g for g, _ in ends], sources, [v for _, v in ends], allow_unused=True)"
    yield "print(*second)"


def _has_several_results(op: str) -> bool:
    """Return whether an op may answer with more than one result."""
    known = load_corpus().ops.get(op)
    return known is None or any(len(each.results) != 1 for each in known.overloads)


@dataclass
class _Writer:
    """Writes steps and values, with the names that earlier steps have so far."""

    plain: Callable[[Any], str]  # writes what is neither a reference nor a function
    words: dict[str, str] = field(default_factory=dict)  # the text that refers to a step: its name by default
    inputs: dict[int, str] = field(default_factory=dict)  # tensors that have a variable
    functions: dict[int, str] = field(default_factory=dict)  # closures that have a name
    loose: set[str] = field(default_factory=set)  # steps whose text needs brackets inside a larger expression

    def inline(self, step: Step) -> None:
        """Use a step's expression instead of its name."""
        self.words[step.name] = self.expression(step)
        if step.form in ("operator", "reflected") and step.short != "__getitem__":
            self.loose.add(step.name)

    def operand(self, value: Value) -> str:
        """Return a value as text that fits inside a larger expression."""
        word = self.write(value)
        return f"({word})" if isinstance(value, Ref) and not value.path and value.name in self.loose else word

    def write(self, value: Value) -> str:
        if id(value) in self.inputs:
            return self.inputs[id(value)]
        if isinstance(value, Ref):
            parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in value.path)
            return f"{self.operand(Ref(value.name))}{parts}" if parts else self.words.get(value.name, value.name)
        if isinstance(value, Function):
            return self.functions.get(id(value)) or self._lambda(value)
        if isinstance(value, (tuple, list)):
            return _listed(value, self.write)
        if isinstance(value, Mapping):
            return f"{{{', '.join(f'{key!r}: {self.write(each)}' for key, each in value.items())}}}"
        return self.plain(value)

    def statement(self, step: Step) -> str | None:
        """Return a step that is a statement of its own; None if it is an expression."""
        words = [self.write(value) for value in step.arguments.values()]
        match step.form:
            case "set attribute":
                return f"{words[0]}.{step.target} = {words[1]}"
            case "in-place operator":
                return f"{words[0]} {_SIGNS[step.short]}= {words[1]}"
            case "operator" if step.short == "__setitem__":
                return f"{words[0]}[{words[1]}] = {words[2]}"
        return None

    def expression(self, step: Step) -> str:
        words = {name: self.write(value) for name, value in step.arguments.items()}
        first, *rest = map(self.operand, step.arguments.values()) if words else ("",)
        match step.form:
            case "operator" | "reflected":
                return self._operator(step.short, first, rest)
            case "method" | "in-place":
                owner = next(iter(step.arguments))
                passed = self._passed(step, {name: each for name, each in words.items() if name != owner})
                if step.short == "__getitem__":
                    return f"{first}[{rest[0]}]"
                suffix = "_" if step.form == "in-place" else ""
                called = first if step.short == "__call__" else f"{first}.{step.short}{suffix}"
                return f"{called}({passed})"
            case "attribute":
                return f"{first}.{step.target}"
            case "iterate":
                return f"tuple({first})"
            case "value":
                return first
        return f"{step.target}({self._passed(step, words)})"

    def _operator(self, short: str, first: str, rest: Sequence[str]) -> str:
        if short == "__getitem__":
            return f"{first}[{rest[0]}]"
        if short in _PREFIXES:
            return f"{_PREFIXES[short]}{first}"
        if not rest:
            return f"{short}({first})"
        return f"{first} {_SIGNS[short]} {rest[0]}"

    def _passed(self, step: Step, words: Mapping[str, str]) -> str:
        return ", ".join(
            f"*{word}" if name == step.unpacked else word if name in step.positional else f"{name}={word}"
            for name, word in words.items()
        )

    def defined(self, value: Value) -> Iterator[str]:
        """Return the definition of a closure that is more than an expression, so that it has a name."""
        if not isinstance(value, Function) or self._body(value) is not None:
            return
        name = f"closure{len(self.functions)}"
        yield f"def {name}({', '.join(value.parameters)}):"
        inner = _Writer(self.plain, {**self.words, **{each: each for each in value.parameters}}, self.inputs)
        for step in value.steps:
            yield f"    {inner.statement(step) or f'{step.name} = {inner.expression(step)}'}"
        yield f"    return {inner.write(value.result)}"
        self.functions[id(value)] = name

    def _lambda(self, function: Function) -> str:
        return f"lambda {', '.join(function.parameters)}: {self._body(function)}"

    def _body(self, function: Function) -> str | None:
        """Return the body of a closure as one expression."""
        inner = _Writer(self.plain, dict(self.words), self.inputs, self.functions, set(self.loose))
        for step in function.steps:
            if inner.statement(step) is not None or not step.name.startswith("_"):
                return None
            inner.inline(step)
        return inner.write(function.result)


def tensor(value: TensorValue) -> str:
    """Return a tensor as a call that makes it, with its strides."""
    dtype = f"dtype=torch.{value.dtype}"
    grad = ", requires_grad=True" if value.requires_grad else ""
    if value.is_contiguous and value.buffer.size == int(np.prod(value.shape)):
        if value.buffer.size == 0:
            return f"torch.empty({value.shape}, {dtype}{grad})"
        return f"torch.tensor({_elements(value.array())}, {dtype}{grad})"
    flat = f"torch.tensor({_elements(value.buffer)}, {dtype})"
    made = f"{flat}.as_strided({value.shape}, {value.strides}, {value.offset})"
    return made + (".requires_grad_()" if value.requires_grad else "")


def _elements(array: Any) -> str:
    """Return an array's elements as Python: nested lists, or where these would be too long their bytes."""
    if array.size <= _LONG:
        return numbers(array)
    plain = array.astype(np.float32) if array.dtype.name == "bfloat16" else array
    packed = base64.b85encode(zlib.compress(np.ascontiguousarray(plain).tobytes(), 9)).decode("ascii")
    return f"_unpacked({packed!r}, {plain.dtype.str!r}, {array.shape})"


def numbers(array: Any) -> str:
    """Return an array's elements as nested lists that Python can evaluate."""
    return _number(np.asarray(array).tolist()) if array.dtype.name != "bfloat16" else numbers(array.astype(np.float32))


def _number(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_number, value))}]"
    if isinstance(value, complex) and not np.isfinite(value):
        return f"complex({_number(value.real)}, {_number(value.imag)})"
    if isinstance(value, float) and not np.isfinite(value):
        return f"float('{value}')"
    return repr(value)


def literal(value: Any) -> str:
    """Return an argument that is no tensor as text."""
    if isinstance(value, TensorValue):
        return tensor(value)
    if isinstance(value, Dtype):
        return f"torch.{value}"
    if isinstance(value, Named):
        return value.name
    if isinstance(value, Slice):
        return f"slice({value.start}, {value.stop}, {value.step})"
    if value is Ellipsis:
        return "..."
    if isinstance(value, (tuple, list)):
        return _listed(value, literal)
    return _number(value)


def _listed(values: Sequence[Any], write: Callable[[Any], str]) -> str:
    inner = ", ".join(map(write, values))
    return f"[{inner}]" if isinstance(values, list) else f"({inner}{',' if len(values) == 1 else ''})"


def _brief(value: Any) -> str:
    if isinstance(value, TensorValue):
        layout = "" if value.is_contiguous else f" strides {list(value.strides)}"
        return f"{value.dtype}{list(value.shape)}{layout}"
    if isinstance(value, (tuple, list)):
        return _listed(value, _brief)
    return literal(value)
