"""Whether the reference is PyTorch on random programs: every step of each is held against PyTorch.

    python benchmarks/random_programs.py [--programs N] [--steps N] [--seed S] [--show K]

A program is a list of statements, which run under `import torch` and under the reference. After every statement all
tensors that have a name, their gradients and the parameters of layers are compared: value, dtype, shape, strides,
offset, version, what autograd knows of them; and where a statement raises, the error's class. A difference is shrunk by
leaving statements out and making what is left simpler, and shown as the smallest program with both answers.

Values must be equal, floats within 32 units in the last place of themselves, or of the square of the largest number
that took part, for sums of products may cancel; a gradient's units are those of the coarsest type that is there. Where
they are not equal to the bit, the reference goes on with PyTorch's, so that every step is judged by itself.

Excluded, beside what `random_steps.py` does not write, is what has no one answer in PyTorch:

- a float that an integer type cannot hold, converted to it: C leaves it open, and it depends on the length of the loop;
- a write to memory that the same statement reads elsewhere, and whose overlap PyTorch finds too hard to tell: the order
  of its loop decides;
- the sign of a zero that a sum leaves, and of NaN;
- what a call that raises has written before it did, and how it has resized an `out=`;
- an integer tensor that requires a gradient, which some writes make and others do not (docs/findings/pytorch.md);
- a view whose base got a history in the same statement (docs/findings/pytorch.md);
- how PyTorch computed a gradient, where one is asked for that can be differentiated again: the name of its step, and
  whether it is a view;
- how often a gradient was written to before `autograd.grad` returned it.
"""

from __future__ import annotations

import argparse
import ast
import random
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch
from random_steps import Scene, next_step

import assay_reference

Program = list[str]
ULPS: Final = 32
EPS: Final = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
INTEGER_GRADIENT: Final = "an integer tensor that requires a gradient"
STALE: Final = "a view whose history PyTorch has not looked at since its base got one"
RESIZED: Final = "an out= that was resized by a call that raises"
UNCONVERTIBLE: Final = "a float that the integer type cannot hold"
OVERLAPPING: Final = "a write to memory that is read elsewhere in the same statement"


@dataclass
class Difference:
    """Where the two differ: in which step, in what, and what each says."""

    step: int
    what: str  # such as "stride" or "error"
    where: str
    torch: Any
    reference: Any
    excluded: str = ""  # why it does not count


# -- one program in one library ---------------------------------------------------------------------------------------


@dataclass
class Run:
    """A library, and what a program has made in it so far."""

    library: Any
    names: dict[str, Any] = field(default_factory=dict)
    gradients: dict[str, int] = field(default_factory=dict)  # what autograd.grad returned, and in which version

    def step(self, statement: str) -> str:
        """Run a statement; return the class of what it raises."""
        scope = {"torch": self.library, **self.names}
        try:
            exec(statement, scope)
        except Exception as error:
            return type(error).__name__
        finally:
            self.library.set_grad_enabled(True)
            made = {name: each for name, each in scope.items() if name != "torch" and name[0] != "_"}
            if "autograd.grad" in statement:
                self.gradients |= {
                    name: each._version for name, each in made.items() if name not in self.names and each is not None
                }
            self.names = made
        return ""

    def tensors(self) -> Iterator[tuple[str, Any]]:
        """Yield what has a name, the parameters of layers, and the gradients of all."""
        for name, each in self.names.items():
            if isinstance(each, self.library.nn.Module):
                yield from ((f"{name}.{part}", parameter) for part, parameter in each.named_parameters())
            else:
                yield name, each

    def facts(self) -> Iterator[tuple[str, str, Any]]:
        """Yield all that is to be the same: of what, which fact, and the fact."""
        for name, each in self.tensors():
            if not isinstance(each, self.library.Tensor):
                yield name, "value", str(type(each).__name__ if not isinstance(each, (int, float)) else each)
                continue
            is_gradient = any(self.names[gradient] is each for gradient in self.gradients)
            skipped = OF_STEPS if is_gradient else ()
            yield from ((name, fact, look(each, fact)) for fact in FACTS if fact not in skipped)
            yield name, "version", each._version - self.first_version(each)
            grad = each.grad if look(each, "is_leaf") is True or each.retains_grad else None
            yield name, "grad", "none" if grad is None else "one"
            if grad is not None:
                yield from ((f"{name}.grad", fact, look(grad, fact)) for fact in FACTS_OF_GRADIENTS)

    def first_version(self, tensor: Any) -> int:
        """Return in which version memory was when it got a name."""
        for name, first in self.gradients.items():
            if same_memory(self.names[name].untyped_storage(), tensor.untyped_storage()):
                return first
        return 0

    def values(self) -> Iterator[tuple[str, Any]]:
        """Yield the tensors whose values are to be the same."""
        for name, each in self.tensors():
            if isinstance(each, self.library.Tensor):
                yield name, each
                if (look(each, "is_leaf") is True or each.retains_grad) and each.grad is not None:
                    yield f"{name}.grad", each.grad


def same_memory(one: Any, other: Any) -> bool:
    """Return whether two storages, which PyTorch wraps anew each time, are one."""
    return one is other or (hasattr(one, "_cdata") and one._cdata == other._cdata)


FACTS: Final = {
    "dtype": lambda each: str(each.dtype).removeprefix("torch."),
    "shape": lambda each: tuple(each.shape),
    "stride": lambda each: tuple(each.stride()),
    "offset": lambda each: each.storage_offset(),
    "is_contiguous": lambda each: each.is_contiguous(),
    "requires_grad": lambda each: each.requires_grad,
    "is_leaf": lambda each: each.is_leaf,
    "grad_fn": lambda each: None if each.grad_fn is None else each.grad_fn.name(),
    "output_nr": lambda each: each.output_nr,
    "is_view": lambda each: each._is_view(),
}
FACTS_OF_GRADIENTS: Final = ("dtype", "shape", "stride", "requires_grad", "is_leaf")
OF_STEPS: Final = ("grad_fn", "output_nr", "is_view")  # what says by which step a gradient was computed


def look(tensor: Any, fact: str) -> Any:
    """Read a fact, or which error reading it raises."""
    try:
        return FACTS[fact](tensor)
    except Exception as error:
        return type(error).__name__


# -- values -----------------------------------------------------------------------------------------------------------


def bits_of(tensor: torch.Tensor, like: Any) -> Any:
    """Return the elements of a PyTorch tensor as an array of the reference's type."""
    plain = tensor.detach().clone(memory_format=torch.contiguous_format).reshape(-1)
    return plain.view(torch.uint8).numpy().view(like.dtype).reshape(like.shape)


def wide(array: Any) -> Any:
    return array.astype(np.float64) if str(array.dtype) in EPS else array


def differs(theirs: Any, ours: Any, scale: float, unit: float) -> bool:
    """Return whether two arrays differ by more than rounding."""
    kind = str(ours.dtype)
    if kind not in EPS:
        return not np.array_equal(theirs, ours)
    a, b = wide(theirs), wide(ours)
    with np.errstate(all="ignore"):
        near = np.abs(a - b) <= ULPS * max(EPS[kind], unit) * np.maximum(np.maximum(np.abs(a), np.abs(b)), scale)
    return not np.all((a == b) | near | (np.isnan(a) & np.isnan(b)))


def largest(tensors: Iterator[Any]) -> float:
    """Return the largest finite number in tensors of floats, but 1 at least."""
    most = 1.0
    for each in tensors:
        if each.is_floating_point() and each.numel():
            finite = each.detach().double()
            finite = finite[finite.isfinite()]
            most = max(most, float(finite.abs().max()) if finite.numel() else 1.0)
    return most


def coarsest(tensors: Iterator[Any]) -> float:
    """Return the unit in the last place of the coarsest type, through which a gradient may have come."""
    return max((EPS.get(str(each.dtype).removeprefix("torch."), 0.0) for each in tensors), default=0.0)


# -- one step in both -------------------------------------------------------------------------------------------------


class Pair:
    """A program that runs in both libraries at once."""

    def __init__(self) -> None:
        self.torch, self.ours = Run(torch), Run(assay_reference)
        self.done = self.refused = 0

    def step(self, statement: str) -> Difference | None:
        """Run a statement in both; return the first difference."""
        named = [self.torch.names[name] for name in names_in(statement) if name in self.torch.names]
        before = [each.detach().clone() for each in named if isinstance(each, torch.Tensor)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            errors = self.torch.step(statement), self.ours.step(statement)
            found = self.difference(errors, statement, before)
        self.done, self.refused = self.done + 1, self.refused + bool(errors[0])
        return found

    def difference(self, errors: tuple[str, str], statement: str, before: list[torch.Tensor]) -> Difference | None:
        if errors[0] != errors[1]:
            excluded = STALE if errors == ("RuntimeError", "") and re.search(r"\] [+*]= ", statement) else ""
            return Difference(self.done, "error", "", errors[0] or "answers", errors[1] or "answers", excluded)
        if any(is_integer_with_gradient(each) for _, each in self.torch.values()):
            return Difference(self.done, "", "", "", "", INTEGER_GRADIENT)
        for (name, fact, theirs), (_, _, mine) in zip(self.torch.facts(), self.ours.facts(), strict=True):
            if theirs != mine:
                excluded = RESIZED if errors[0] and "out=" in statement else ""
                return Difference(self.done, fact, name, theirs, mine, excluded)
        if errors[0]:
            self.align()
            return None
        scale, unit = largest(iter(before)), 0.0
        if "backward" in statement or "grad" in statement:
            scale = max(scale, largest(each for _, each in self.torch.values()))
            unit = coarsest(each for _, each in self.torch.values())
        for (name, theirs), (_, mine) in zip(self.torch.values(), self.ours.values(), strict=True):
            array = mine._array
            bits = bits_of(theirs, array)
            if bits.tobytes() == array.tobytes():
                continue
            if differs(bits, array, scale * scale, unit):
                excluded = reason(statement, before, theirs, self.torch.names)
                return Difference(self.done, "value", name, bits.tolist(), wide(array).tolist(), excluded)
            array[...] = bits
        return None

    def align(self) -> None:
        """Let the reference go on with PyTorch's values."""
        for (_, theirs), (_, mine) in zip(self.torch.values(), self.ours.values(), strict=True):
            mine._array[...] = bits_of(theirs, mine._array)


def is_integer_with_gradient(tensor: torch.Tensor) -> bool:
    return tensor.requires_grad and not (tensor.is_floating_point() or tensor.is_complex())


def names_in(statement: str) -> list[str]:
    return [each.id for each in ast.walk(ast.parse(statement)) if isinstance(each, ast.Name)]


def reason(statement: str, before: list[torch.Tensor], result: torch.Tensor, names: dict[str, Any]) -> str:
    """Return why a difference in value has no meaning, if it has none."""
    if not result.dtype.is_floating_point and result.dtype is not torch.bool:
        limits = torch.iinfo(result.dtype)
        for each in before:
            if each.is_floating_point() and not ((each >= limits.min) & (each <= limits.max)).all():
                return UNCONVERTIBLE
    return OVERLAPPING if overlaps(statement, names) else ""


def overlaps(statement: str, names: dict[str, Any]) -> bool:
    """Return whether a statement writes to memory that it also reads, at other places or in another order."""
    into = re.search(r"out=(\w+)", statement)
    named = [names[name] for name in names_in(statement) if isinstance(names.get(name), torch.Tensor)]
    if into and names_in(statement).count(into[1]) > 1:
        return True
    if into and into[1] in names:
        memory = names[into[1]].untyped_storage().data_ptr()
        return any(each.untyped_storage().data_ptr() == memory for each in named if each is not names[into[1]])
    writes = into or re.search(r"_\(|\] [+*]?= |[+*]= ", statement)
    if writes and any(map(repeats_memory, named)):
        return True
    places = {(each.storage_offset(), each.shape, each.stride()): each.untyped_storage().data_ptr() for each in named}
    return bool(writes) and len(set(places.values())) < len(places)


def repeats_memory(tensor: torch.Tensor) -> bool:
    """Return whether two elements of a tensor are one place in memory, but not all along a dimension."""
    steps = [(size, step) for size, step in zip(tensor.shape, tensor.stride(), strict=True) if step]
    places = np.zeros([size for size, _ in steps], np.int64)
    for dim, (size, step) in enumerate(steps):
        places += (np.arange(size) * step).reshape(-1, *[1] * (len(steps) - dim - 1))
    return len(np.unique(places)) < places.size


# -- programs ---------------------------------------------------------------------------------------------------------


@dataclass
class Found:
    """A program that was written as it ran, and what differs in it."""

    program: Program
    difference: Difference | None
    refused: int


def write_and_run(seed: int, number: int, steps: int) -> Found:
    """Write a program step by step, as its operands come to be, and run it in both."""
    source = random.Random(f"{seed}/{number}")
    pair, program = Pair(), []
    for _ in range(steps):
        statement = next_step(Scene(source, pair.torch.names))
        program.append(statement)
        found = pair.step(statement)
        if found is not None:
            return Found(program, found, pair.refused)
    return Found(program, None, pair.refused)


def run(program: Program) -> Difference | None:
    """Run a program in both; return the first difference."""
    pair = Pair()
    for statement in program:
        found = pair.step(statement)
        if found is not None:
            return found
    return None


# -- the smallest program ---------------------------------------------------------------------------------------------


def shrunk(program: Program, difference: Difference) -> tuple[Program, Difference]:
    """Leave out and simplify as long as the same still differs."""
    program = program[: difference.step + 1]
    while True:
        for smaller in simpler(program):
            try:
                found = run(smaller)
            except Exception:
                continue
            if found is not None and alike(found, difference):
                program, difference = smaller[: found.step + 1], found
                break
        else:
            return program, difference


def alike(one: Difference, other: Difference) -> bool:
    """Return whether two differences are of one kind."""
    if one.what != other.what or one.excluded or "NameError" in (one.torch, one.reference):
        return False
    return one.what != "error" or (one.torch, one.reference) == (other.torch, other.reference)


def simpler(program: Program) -> Iterator[Program]:
    """Yield programs that are shorter, or have a simpler statement."""
    for place in reversed(range(len(program) - 1)):
        yield program[:place] + program[place + 1 :]
        renamed = re.fullmatch(r"(\w+) = (\w+)", program[place])
        if renamed:
            rest = [re.sub(rf"\b{renamed[1]}\b", renamed[2], each) for each in program[place + 1 :]]
            yield program[:place] + rest
    for place, statement in enumerate(program):
        for simple in simpler_statements(statement):
            yield [*program[:place], simple, *program[place + 1 :]]


def simpler_statements(statement: str) -> Iterator[str]:
    """Yield statements of which one part is left out, or replaced by something that it contains."""
    tree = ast.parse(statement)
    for place, node in enumerate(ast.walk(tree)):
        for change in changes(node):
            fresh = ast.parse(statement)
            target = list(ast.walk(fresh))[place]
            written = ast.unparse(Replaced(target, change).visit(fresh))
            if len(written) < len(statement) or (len(written) == len(statement) and written < statement):
                yield written


def changes(node: ast.AST) -> Iterator[Any]:
    """Yield what a part of a statement may become: a function of the part."""
    if isinstance(node, ast.With):
        yield lambda node: node.body[0]
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and not isinstance(node.func.value, ast.Name):
            yield lambda node: node.func.value
        if (
            isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id != "torch"
        ):
            yield lambda node: node.func.value
        for number in range(len(node.keywords)):
            yield lambda node, number=number: ast.Call(
                node.func, node.args, node.keywords[:number] + node.keywords[number + 1 :]
            )
    if isinstance(node, ast.Subscript):
        yield lambda node: node.value
    if isinstance(node, ast.BinOp):
        yield lambda node: node.left
        yield lambda node: node.right
    if isinstance(node, (ast.List, ast.Tuple)) and isinstance(node.ctx, ast.Load):
        for number in range(len(node.elts)):
            yield lambda node, number=number: type(node)(node.elts[:number] + node.elts[number + 1 :], node.ctx)
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        yield lambda node: ast.Constant(1.0)
        yield lambda node: ast.Constant(2.0)
    if isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
        yield lambda node: ast.Constant(0)
        yield lambda node: ast.Constant(1)
    if isinstance(node, ast.UnaryOp):
        yield lambda node: node.operand


class Replaced(ast.NodeTransformer):
    """Replace one part of a statement."""

    def __init__(self, target: ast.AST, change: Any) -> None:
        self.target, self.change = target, change

    def visit(self, node: ast.AST) -> Any:
        return self.change(node) if node is self.target else self.generic_visit(node)


# -- the report -------------------------------------------------------------------------------------------------------


def shown(program: Program, difference: Difference) -> str:
    """Write a program with what each library says of it."""
    lines = ["import torch", *program]
    what = f"{difference.where} {difference.what}".strip()
    return "\n".join(lines) + f"\n# {what}: PyTorch {difference.torch}, reference {difference.reference}\n"


def main() -> None:
    """Run programs, and show those that differ."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--programs", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=20, help="how many differences to shrink and show  [20]")
    parser.add_argument("--first", type=int, default=0, help="the number of the first program  [0]")
    options = parser.parse_args()
    torch.set_num_threads(1)
    refused = steps = differing = shown_so_far = 0
    excluded: Counter[str] = Counter()
    for number in range(options.first, options.first + options.programs):
        found = write_and_run(options.seed, number, options.steps)
        steps, refused = steps + len(found.program), refused + found.refused
        if found.difference is None:
            continue
        if found.difference.excluded:
            excluded[found.difference.excluded] += 1
            continue
        differing += 1
        if shown_so_far < options.show:
            shown_so_far += 1
            print(
                f"# program {options.seed}/{number}",
                shown(*shrunk(found.program, found.difference)),
                sep="\n",
                flush=True,
            )
    print(
        f"{options.programs} programs, {steps} steps, {refused / max(steps, 1):.0%} refused by both; {differing} differ"
    )
    for why, times in excluded.items():
        print(f"{times} ended by {why}")


if __name__ == "__main__":
    main()
