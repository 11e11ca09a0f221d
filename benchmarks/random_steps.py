"""Steps of random programs: statements that suit the tensors that are there, most of which PyTorch does not refuse.

A maker writes one statement. It sees the tensors that the program has made so far, in PyTorch, and chooses operands
that fit; now and then it does not look whether they do. What PyTorch has no one answer to is not written:

- uninitialised memory (`empty`);
- several elements put at one place, the last of which wins or not;
- what is chosen among equals by `topk`, `kthvalue`, `median`, `mode` and a sort that is not stable;
- `atan2` of integers, whose gradient is wrong for some (docs/findings/pytorch.md);
- shifts by less than nothing or by more bits than there are;
- random numbers, but those that a layer begins with.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Final

import torch

Fits = Callable[[torch.Tensor], bool]

DTYPES: Final = {
    "float32": 8, "float64": 4, "int64": 4, "bool": 2, "int32": 1.5, "float16": 0.5, "bfloat16": 0.5, "uint8": 0.5,
    "int8": 0.3, "int16": 0.3,
}  # fmt: skip
AMISS: Final = 0.1  # how often an operand is taken that may not fit


class NothingFits(Exception):
    """No tensor is there that a step could take."""


def is_float(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point()


def is_integer(tensor: torch.Tensor) -> bool:
    return not tensor.is_floating_point() and tensor.dtype is not torch.bool


def is_bool(tensor: torch.Tensor) -> bool:
    return tensor.dtype is torch.bool


def has_dims(tensor: torch.Tensor) -> bool:
    return tensor.ndim > 0


def has_elements(tensor: torch.Tensor) -> bool:
    return tensor.numel() > 0


def is_distinct(tensor: torch.Tensor) -> bool:
    return tensor.ndim > 0 and len(set(tensor.reshape(-1).tolist())) == tensor.numel()


def anything(tensor: torch.Tensor) -> bool:
    return True


class Scene:
    """The tensors that a program has made, and what chooses among them."""

    def __init__(self, source: random.Random, live: dict[str, Any]) -> None:
        self.source, self.live = source, live
        self.chance, self.one_of = source.random, source.choice

    def below(self, first: int, last: int | None = None) -> int:
        """Choose an integer below a bound, from 0 or from another; the first where there is none."""
        first, last = (0, first) if last is None else (first, last)
        return self.source.randrange(first, last) if first < last else first

    def fresh(self) -> str:
        """Return a name that nothing has yet."""
        return next(name for name in map(letters, count()) if name not in self.live)

    def names(self, fits: Fits = anything) -> list[str]:
        """Return the names of the tensors that fit."""
        return [name for name, each in self.live.items() if isinstance(each, torch.Tensor) and fits(each)]

    def tensor(self, fits: Fits = anything) -> str:
        """Choose a tensor, a late one rather than an early one."""
        found = self.names(anything if self.chance() < AMISS else fits)
        if not found:
            raise NothingFits
        return found[max(self.below(len(found)), self.below(len(found)))]

    def dim(self, name: str, more: int = 0) -> int:
        """Choose a dimension of a tensor, seldom one that it has not."""
        ndim = max(self.live[name].ndim + more, 1)
        return self.below(-ndim, ndim) if self.chance() > AMISS else ndim

    def dtype(self) -> str:
        """Choose an element type."""
        return self.source.choices(list(DTYPES), list(DTYPES.values()))[0]

    def number(self, kind: str = "") -> str:
        """Write a Python number, of a kind that suits an element type more often than not."""
        choice = self.chance()
        if kind == "bool" and choice < 0.6:
            return self.one_of(["True", "False"])
        if choice < 0.05:
            return self.one_of(["True", "False", "0", "0.0", "1", "-1"])
        if "int" in kind and choice < 0.8:
            return str(self.below(-3, 5))
        return str(self.below(-12, 17) / 4) if choice < 0.75 else str(self.below(-3, 5))

    def shape(self, most: int = 3) -> list[int]:
        """Choose a shape, seldom an empty one."""
        return [self.source.choices((0, 1, 2, 3, 4), (0.3, 2, 4, 4, 1))[0] for _ in range(self.below(most + 1))]

    def element(self, kind: str) -> str:
        """Write an element of a tensor."""
        if kind == "bool":
            return self.one_of(["True", "False"])
        if kind == "uint8":
            return str(self.below(6))
        if "int" in kind:
            return str(self.below(-4, 7))
        return self.one_of(["inf", "-inf", "nan"]) if self.chance() < 0.01 else str(self.below(-16, 17) / 4)

    def nested(self, shape: Sequence[int], kind: str) -> str:
        """Write the elements of a tensor as nested lists."""
        if not shape:
            return self.element(kind).replace("inf", "float('inf')").replace("nan", "float('nan')")
        return f"[{', '.join(self.nested(shape[1:], kind) for _ in range(shape[0]))}]"

    def literal(self, shape: Sequence[int], kind: str) -> str:
        """Write a new tensor of given elements."""
        return f"torch.tensor({self.nested(shape, kind)}, dtype=torch.{kind})"

    def partner(self, name: str, *, into: bool = False) -> str:
        """Choose what may be combined with a tensor: a number, or a tensor that broadcasts with it, or to it."""
        mine = self.live[name]
        kind = kind_of(mine)
        if self.chance() < 0.3:
            return self.number(kind)
        if self.chance() < 0.3:
            shape = [size if self.chance() < 0.7 else 1 for size in mine.shape][self.below(mine.ndim + 1) :]
            return self.literal(shape, kind if self.chance() < 0.6 else self.dtype())
        return self.tensor(lambda other: broadcasts(mine.shape, other.shape, into))


def letters(number: int) -> str:
    """Name the tensors a, b, …, z, aa, ab, …"""
    return (letters(number // 26 - 1) if number > 25 else "") + chr(97 + number % 26)


def kind_of(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def broadcasts(shape: Sequence[int], other: Sequence[int], into: bool) -> bool:
    """Return whether two shapes go together, or the second into the first."""
    try:
        together = torch.broadcast_shapes(tuple(shape), tuple(other))
    except RuntimeError:
        return False
    return not into or tuple(together) == tuple(shape)


def bound(maker: Callable[[Scene], str]) -> Callable[[Scene], str]:
    """Make a maker of statements of a maker of expressions, whose value gets a name."""

    def statement(scene: Scene) -> str:
        expression = maker(scene)
        if scene.chance() < 0.03:
            return f"with torch.no_grad(): {scene.fresh()} = {expression}"
        return f"{scene.fresh()} = {expression}"

    return statement


# -- new tensors ------------------------------------------------------------------------------------------------------


def creation(scene: Scene) -> str:
    kind = scene.dtype()
    wants = ", requires_grad=True" if "float" in kind and scene.chance() < 0.45 else ""
    choice = scene.below(12)
    if choice < 7 or (choice > 9 and not scene.names()):
        return f"{scene.literal(scene.shape(), kind)[:-1]}{wants})"
    if choice == 7:
        rows, columns = scene.below(1, 4), scene.below(1, 4)
        return f"torch.arange({rows * columns}, dtype=torch.{kind}).view({rows}, {columns})"
    if choice == 8:
        name = scene.one_of(["zeros", "ones"])
        return f"torch.{name}({tuple(scene.shape())}, dtype=torch.{kind}{wants})"
    if choice == 9:
        return scene.one_of([
            f"torch.full({tuple(scene.shape())}, {scene.number()})",
            f"torch.full({tuple(scene.shape())}, {scene.number(kind)}, dtype=torch.{kind})",
            f"torch.eye({scene.below(1, 4)}, dtype=torch.{kind})",
            f"torch.linspace({scene.below(-3, 1)}, {scene.below(1, 5)}, {scene.below(1, 6)})",
            f"torch.arange({scene.number()}, {scene.number()}, {scene.number()}, dtype=torch.{kind})",
        ])  # fmt: skip
    source = scene.tensor()
    if choice == 10:
        return f"torch.{scene.one_of(['zeros', 'ones'])}_like({source})"
    return scene.one_of([
        f"torch.full_like({source}, {scene.number(kind_of(scene.live[source]))})",
        f"{source}.new_tensor({scene.nested([2], kind_of(scene.live[source]))})",
        f"torch.zeros_like({source}, dtype=torch.{kind})",
        f"torch.tensor({scene.number()})",
    ])  # fmt: skip


# -- views ------------------------------------------------------------------------------------------------------------


def piece(scene: Scene, size: int) -> str:
    """Write a slice of a dimension."""
    first, last = sorted((scene.below(size + 1), scene.below(size + 1)))
    step = scene.one_of(["", "", "", ":2"])
    return scene.one_of([":", f"{first}:", f":{last}", f"{first}:{last}", f"{first}:", "-1:", ":"]) + step


def view(scene: Scene) -> str:
    name = scene.tensor(has_dims)
    mine, dim = scene.live[name], scene.dim(name)
    size = mine.shape[dim] if -mine.ndim <= dim < mine.ndim else 2
    order = list(range(mine.ndim))
    scene.source.shuffle(order)
    if scene.chance() < 0.3:
        order = [each - mine.ndim for each in order]
    first = scene.below(size + 1)
    other = scene.dim(name)
    choices = [
        f"{name}.transpose({dim}, {other})",
        f"{name}.permute({', '.join(map(str, order))})",
        f"{name}.unsqueeze({scene.dim(name, 1)})",
        f"{name}.squeeze()",
        f"{name}.squeeze({dim})",
        f"{name}.narrow({dim}, {first}, {scene.below(size - first + 1)})",
        f"{name}.select({dim}, {scene.below(-size, size) if size else 0})",
        f"{name}.view({', '.join(map(str, reshaped(scene, mine)))})",
        f"{name}.view(-1)",
        f"{name}.expand({', '.join(map(str, expanded(scene, mine)))})",
        f"{name}.detach()",
        f"{name}.reshape({', '.join(map(str, reshaped(scene, mine)))})",
        f"{name}.movedim({dim}, {other})",
        f"{name}.flatten()",
        f"{name}.unfold({dim}, {scene.below(min(size, 2) + 1)}, {scene.below(1, 3)})",
        f"{name}.unbind({dim})[{scene.below(-size, size) if size else 0}]",
        f"{name}.split({scene.below(1, 3)}, {dim})[{scene.one_of([0, -1])}]",
        f"torch.chunk({name}, {scene.below(1, 4)}, {dim})[{scene.one_of([0, -1])}]",
        f"{name}.as_strided(({min(size, 2)},), (1,))",
        f"{name}.ravel()",
    ]
    if mine.ndim <= 2:
        choices += [f"{name}.t()", f"{name}.T"]
    if mine.ndim >= 2:
        choices += [f"{name}.diagonal()", f"{name}.diagonal({scene.below(-1, 2)}, 0, -1)", f"{name}.mT"]
    return scene.one_of(choices)


def reshaped(scene: Scene, mine: torch.Tensor) -> list[int]:
    """Choose a shape for the elements of a tensor."""
    left, shape = mine.numel(), []
    for factor in (2, 3, 2, 1):
        if left and left % factor == 0 and scene.chance() < 0.5:
            shape.append(factor)
            left //= factor
    shape.append(-1 if left and scene.chance() < 0.3 else left)
    scene.source.shuffle(shape)
    return shape


def expanded(scene: Scene, mine: torch.Tensor) -> list[int]:
    """Choose a shape to which a tensor expands."""
    front = [2] if scene.chance() < 0.4 else []
    return front + [scene.one_of([2, 3, -1]) if size == 1 else scene.one_of([size, -1]) for size in mine.shape]


def in_place_view(scene: Scene) -> str:
    name = scene.tensor(lambda each: each.ndim >= 1)
    return scene.one_of([
        f"{name}.unsqueeze_({scene.dim(name, 1)})", f"{name}.squeeze_()", f"{name}.transpose_({scene.dim(name)}, 0)",
        f"{name}.t_()",
    ])  # fmt: skip


# -- indexing ---------------------------------------------------------------------------------------------------------


def index(scene: Scene, name: str) -> str:
    """Write what stands between the brackets."""
    mine = scene.live[name]
    shape = tuple(mine.shape)
    if mine.ndim and scene.chance() < 0.15:
        masks = scene.names(lambda each: is_bool(each) and each.ndim > 0 and each.shape == mine.shape[: each.ndim])
        if masks and scene.chance() < 0.5:
            return scene.one_of(masks)
        return f"{name} {scene.one_of(['>', '<=', '!='])} {scene.number(kind_of(mine))}"
    parts: list[str] = []
    dims = list(shape[: scene.below(len(shape) + 1) if scene.chance() < 0.8 else len(shape)])
    skipped = scene.chance() < 0.15
    arrays = scene.below(1, 4)  # the length of all indices in this index
    for size in dims:
        parts += ["None"] if scene.chance() < 0.06 else []
        parts.append(entry(scene, size, arrays))
    if skipped:
        parts.insert(scene.below(len(parts) + 1), "...")
    if not parts:
        return scene.one_of(["...", "None", "()", ":", "True"]) if shape else scene.one_of(["...", "None", "()"])
    return ", ".join(parts)


def entry(scene: Scene, size: int, length: int) -> str:
    choice = scene.chance()
    if not size or choice < 0.45:
        return piece(scene, size)
    if choice < 0.72:
        return str(scene.below(-size, size) if scene.chance() > AMISS else size)
    if choice < 0.78:
        return str([scene.chance() < 0.5 for _ in range(size)])
    where = [
        each - size if scene.chance() < 0.2 else each for each in scene.source.sample(range(size), min(length, size))
    ]
    if choice < 0.9:
        return str(where)
    return f"torch.tensor({where})" if scene.chance() < 0.8 else f"torch.tensor({where[0]})"


def getitem(scene: Scene) -> str:
    name = scene.tensor()
    return f"{name}[{index(scene, name)}]"


def setitem(scene: Scene) -> str:
    name = scene.tensor(is_writable)
    where = index(scene, name)
    try:
        part = eval(f"{name}[{where}]", {"torch": torch, **scene.live})
    except Exception:  # which both will say
        return f"{name}[{where}] = {scene.number()}"
    return f"{name}[{where}] {scene.one_of(['=', '=', '=', '=', '+=', '*='])} {value_for(scene, part)}"


def value_for(scene: Scene, part: torch.Tensor) -> str:
    """Choose what may be assigned to a part of a tensor."""
    kind = kind_of(part)
    if scene.chance() < 0.35:
        return scene.number(kind)
    found = scene.names(lambda other: broadcasts(part.shape, other.shape, True))
    if found and scene.chance() < 0.6:
        return scene.one_of(found)
    shape = [size if scene.chance() < 0.8 else 1 for size in part.shape]
    return scene.literal(shape, kind if scene.chance() < 0.7 else scene.dtype())


def is_writable(tensor: torch.Tensor) -> bool:
    return not tensor.requires_grad or is_recorded(tensor)


def is_recorded(tensor: torch.Tensor) -> bool:
    """Return whether a tensor was computed from what requires a gradient; some that were written to raise instead."""
    try:
        return tensor.grad_fn is not None
    except RuntimeError:
        return False


# -- writes in place --------------------------------------------------------------------------------------------------


def in_place(scene: Scene) -> str:
    name = scene.tensor(lambda each: is_writable(each) if scene.chance() < 0.9 else True)
    mine = scene.live[name]
    kind = kind_of(mine)
    other = scene.partner(name, into=True)
    source = scene.tensor(lambda each: broadcasts(mine.shape, each.shape, True))
    choices = [
        f"{name}.add_({other})",
        f"{name}.mul_({other})",
        f"{name}.sub_({other})",
        f"{name} += {other}",
        f"{name} *= {other}",
        f"{name}.add_({other}, alpha={scene.number(kind)})",
        f"{name}.fill_({scene.number(kind)})",
        f"{name}.zero_()",
        f"{name}.copy_({source})",
        f"{name}.clamp_({scene.number(kind)})",
        f"{name}.clamp_(max={scene.number(kind)})",
        f"{name}.masked_fill_({name} > {scene.number(kind)}, {scene.number(kind)})",
        f"{name}.pow_({scene.one_of(['1', '2', '3', '2.0', 'True', '0'])})",
        f"{name}.relu_()",
        f"{name}.neg_()",
        f"{name}.{scene.one_of(['gt', 'eq', 'le'])}_({other})",
        f"{name}.{scene.one_of(['floor', 'ceil', 'trunc', 'round', 'abs', 'sign', 'square'])}_()",
    ]
    if mine.dtype.is_floating_point:
        choices += [
            f"{name}.div_({other})",
            f"{name}.{scene.one_of(['exp', 'sigmoid', 'tanh', 'sqrt', 'sin', 'reciprocal'])}_()",
            f"{name}.addcmul_({source}, {source})", f"{name}.remainder_({other})",
        ]  # fmt: skip
    if mine.ndim:
        choices += [f"{name}.cumsum_({scene.dim(name)})"]
    if mine.ndim >= 2:
        choices += [f"{name}.{scene.one_of(['triu', 'tril'])}_({scene.below(-1, 2)})"]
    statement = scene.one_of(choices)
    return f"with torch.no_grad(): {statement}" if scene.chance() < 0.06 else statement


def out(scene: Scene) -> str:
    name = scene.tensor(lambda each: not each.requires_grad)
    mine = scene.live[name]
    first = scene.tensor(lambda each: broadcasts(mine.shape, each.shape, True) and not each.requires_grad)
    other = scene.partner(first, into=True)
    if not scene.names(lambda each: each is scene.live.get(other)):
        other = first
    function = scene.one_of(["add", "mul", "sub", "maximum", "eq", "div"])
    return scene.one_of([
        f"torch.{function}({first}, {other}, out={name})",
        f"torch.{scene.one_of(['neg', 'exp', 'abs', 'floor', 'sin'])}({first}, out={name})",
        f"torch.cat([{first}, {first}], out={name})" if first != name else f"torch.sum({first}, 0, out={name})",
        f"torch.clamp({first}, {scene.number()}, out={name})",
    ])  # fmt: skip


# -- arithmetic -------------------------------------------------------------------------------------------------------


def arithmetic(scene: Scene) -> str:
    name = scene.tensor()
    other = scene.partner(name)
    operator = scene.one_of(["+", "-", "*", "/", "+", "*", "**", "//", "%"])
    if operator == "**":
        other = scene.one_of(["2", "3", "2.0", "0.5", "1", "-1.0", "0", other])
    if scene.chance() < 0.2:
        return f"{other} {operator} {name}"
    if scene.chance() < 0.5:
        return f"{name} {operator} {other}"
    function = scene.one_of(["add", "sub", "mul", "div", "fmod", "remainder", "floor_divide", "rsub", "maximum",
                             "minimum", "atan2", "pow", "copy"])  # fmt: skip
    if function in ("maximum", "minimum", "atan2"):
        other = scene.tensor(lambda each: broadcasts(scene.live[name].shape, each.shape, False))
        if not (is_float(scene.live[name]) and is_float(scene.live[other])):
            function = "maximum"
    if function in ("rsub", "copy"):
        extra = scene.tensor(lambda each: broadcasts(scene.live[name].shape, each.shape, False))
        return scene.one_of([
            f"torch.where({name} > {scene.number()}, {name}, {other})", f"torch.add({name}, {extra}, alpha=2)",
            f"torch.addcmul({name}, {extra}, {extra}, value=2)", f"torch.div({name}, {other}, rounding_mode='floor')",
            f"{name}.masked_fill({name} != {name}, {scene.number()})", f"{name}.where({name} < {extra}, {other})",
            f"torch.sub({name}, {extra}, alpha={scene.number()})",
        ])  # fmt: skip
    return f"torch.{function}({name}, {other})" if scene.chance() < 0.5 else f"{name}.{function}({other})"


def comparison(scene: Scene) -> str:
    name = scene.tensor()
    other = scene.partner(name)
    return scene.one_of([
        f"{name} {scene.one_of(['<', '<=', '>', '>=', '==', '!='])} {other}",
        f"torch.{scene.one_of(['lt', 'eq', 'ge', 'ne'])}({name}, {other})",
        f"torch.logical_{scene.one_of(['and', 'or', 'xor'])}({name}, {scene.tensor()})",
        f"{name}.{scene.one_of(['logical_not', 'isnan', 'isfinite', 'isinf'])}()",
    ])  # fmt: skip


def bits(scene: Scene) -> str:
    name = scene.tensor(lambda each: not each.is_floating_point())
    other = scene.tensor(
        lambda each: not each.is_floating_point() and broadcasts(scene.live[name].shape, each.shape, False)
    )
    return scene.one_of([
        f"{name} {scene.one_of('&|^')} {other}", f"~{name}",
        f"{name} << {scene.below(3)}", f"{name} >> {scene.below(3)}",
        f"{name} {scene.one_of('&|^')} {scene.one_of(['1', '3', 'True'])}",
    ])  # fmt: skip


UNARY: Final = (
    "neg", "abs", "exp", "sin", "cos", "tanh", "sigmoid", "sqrt", "log1p", "floor", "ceil", "round", "trunc", "sign",
    "square", "reciprocal", "relu", "frac", "erf", "log", "rsqrt", "atan",
)  # fmt: skip


def unary(scene: Scene) -> str:
    name = scene.tensor(lambda each: is_float(each) or scene.chance() < 0.5)
    function = scene.one_of(UNARY)
    if scene.chance() < 0.15:
        low, high = sorted([scene.number(kind_of(scene.live[name])) for _ in range(2)], key=float_of)
        return scene.one_of([f"{name}.clamp({low}, {high})", f"{name}.clamp(min={low})", f"-{name}"])
    return f"torch.{function}({name})" if scene.chance() < 0.5 else f"{name}.{function}()"


def float_of(written: str) -> float:
    return {"True": 1.0, "False": 0.0}.get(written) or float(written.replace("True", "1").replace("False", "0"))


def conversion(scene: Scene) -> str:
    name = scene.tensor()
    return scene.one_of([
        f"{name}.to(torch.{scene.dtype()})", f"{name}.clone()", f"{name}.contiguous()", f"{name}.double()",
        f"{name}.float()", f"{name}.long()", f"{name}.bool()", f"{name}.type_as({scene.tensor()})", f"{name}.clone()",
    ])  # fmt: skip


# -- over dimensions --------------------------------------------------------------------------------------------------


def reduction(scene: Scene) -> str:
    name = scene.tensor(has_elements)
    dim = scene.one_of(["", f"{scene.dim(name)}", f"{scene.dim(name)}, keepdim=True", f"({scene.dim(name)},)", "()"])
    single = scene.one_of([f"{scene.dim(name)}", f"{scene.dim(name)}, keepdim=True"])
    function = scene.one_of(["sum", "sum", "mean", "amax", "amin", "all", "any", "var", "std", "count_nonzero"])
    if function in ("mean", "var", "std") and not is_float(scene.live[name]) and scene.chance() < 0.8:
        function = "sum"
    if function == "count_nonzero" or (function in ("var", "std") and dim == "()"):
        dim = ""
    return scene.one_of([
        f"{name}.{function}({dim})",
        f"{name}.{function}({dim})",
        f"{name}.{scene.one_of(['max', 'min'])}({single})[{scene.below(2)}]",
        f"{name}.{scene.one_of(['max', 'min', 'sum', 'prod'])}()",
        f"{name}.{scene.one_of(['argmax', 'argmin'])}({scene.one_of(['', single])})",
        f"{name}.{scene.one_of(['cumsum', 'cumprod', 'logsumexp', 'prod'])}({scene.dim(name)})",
        f"{name}.norm()" if is_float(scene.live[name]) else f"{name}.sum(dtype=torch.{scene.dtype()})",
    ])  # fmt: skip


def order(scene: Scene) -> str:
    name = scene.tensor(lambda each: has_dims(each) and has_elements(each))
    dim = scene.dim(name)
    choices = [
        f"torch.sort({name}, stable=True, dim={dim})[0]",
        f"torch.sort({name}, dim={dim}, descending=True, stable=True)[{scene.below(2)}]",
        f"{name}.argsort(dim={dim}, stable=True)",
        f"{name}.flip({dim})", f"{name}.roll(1, {dim})", f"{name}.nonzero()",
        f"{name}.masked_select({name} > {scene.number()})",
        f"torch.{scene.one_of(['tril', 'triu'])}({name})",
        f"{name}.repeat({', '.join(['2', *['1'] * max(scene.live[name].ndim - 1, 0)])})",
    ]  # fmt: skip
    if is_distinct(scene.live[name]):
        length = scene.live[name].shape[dim] if -scene.live[name].ndim <= dim < scene.live[name].ndim else 1
        choices += [
            f"{name}.topk({scene.below(length + 1)}, {dim})[{scene.below(2)}]",
            f"{name}.kthvalue({scene.below(1, max(length, 1) + 1)}, {dim})[0]", f"{name}.median({dim})[0]",
        ]  # fmt: skip
    return scene.one_of(choices)


def gathering(scene: Scene) -> str:
    name = scene.tensor(lambda each: has_dims(each) and has_elements(each))
    mine, dim = scene.live[name], scene.below(max(scene.live[name].ndim, 1))
    size = mine.shape[dim] if mine.ndim else 1
    where = scene.source.sample(range(max(size, 1)), scene.below(1, max(size, 1) + 1))
    whole = f"torch.zeros({tuple(mine.shape)}, dtype=torch.int64)"
    return scene.one_of([
        f"{name}.index_select({dim}, torch.tensor({where}))", f"{name}.gather({dim}, {whole})",
        f"{name}.take(torch.tensor({[scene.below(max(mine.numel(), 1)) for _ in range(2)]}))",
        f"torch.take_along_dim({name}, {whole}, {dim})",
        f"{name}.scatter_add({dim}, {whole}, {name})",
        f"{name}.index_add({dim}, torch.tensor({[0] * size}), {name})",
    ])  # fmt: skip


def joining(scene: Scene) -> str:
    name = scene.tensor(has_dims)
    mine, dim = scene.live[name], scene.dim(name)
    at = dim % mine.ndim if mine.ndim and -mine.ndim <= dim < mine.ndim else 0
    other = scene.tensor(
        lambda each: (
            each.ndim == mine.ndim
            and all(
                one == two for place, (one, two) in enumerate(zip(each.shape, mine.shape, strict=True)) if place != at
            )
        )
    )
    same = scene.tensor(lambda each: each.shape == mine.shape)
    return scene.one_of([
        f"torch.cat([{name}, {other}], {dim})", f"torch.cat(({other}, {name}), dim={dim})",
        f"torch.stack([{name}, {same}], {scene.dim(name, 1)})", f"torch.stack([{name}, {same}])",
    ])  # fmt: skip


# -- products ---------------------------------------------------------------------------------------------------------


def product(scene: Scene) -> str:
    name = scene.tensor(has_dims)
    mine = scene.live[name]
    inner = mine.shape[-1] if mine.ndim else 1
    kind = kind_of(mine) if scene.chance() < 0.93 else scene.dtype()
    fitting = scene.names(lambda each: each.ndim >= 1 and each.dtype is mine.dtype and each.shape[-2:][0] == inner)
    right = scene.literal(scene.one_of([[inner], [inner, 2], [inner, 3], [2, inner, 2]]), kind)
    if fitting and scene.chance() < 0.5:
        right = scene.one_of(fitting)
    square = scene.tensor(lambda each: each.ndim == 2)
    matrix = scene.live[square]
    columns = scene.literal([matrix.shape[-1] if matrix.ndim else 1, 2], kind_of(matrix))
    vector = scene.tensor(lambda each: each.ndim == 1) if scene.names(lambda each: each.ndim == 1) else name
    return scene.one_of([
        f"{name} @ {right}", f"{name} @ {right}", f"torch.matmul({name}, {right})", f"{square} @ {square}.T",
        f"torch.mm({square}, {square}.t())", f"{square}.mm({columns})",
        f"{vector}.dot({vector})", f"torch.outer({vector}, {vector})",
        f"torch.bmm({square}.unsqueeze(0), {square}.t().unsqueeze(0))",
        f"torch.addmm({scene.number()} * {square} @ {square}.t(), {square}, {square}.t())", f"{square}.mv({square}[0])",
    ])  # fmt: skip


# -- gradients --------------------------------------------------------------------------------------------------------


def gradient(scene: Scene) -> str:
    recorded = scene.names(lambda each: is_float(each) and is_recorded(each))
    leaves = scene.names(lambda each: each.requires_grad and not is_recorded(each))
    if not recorded or not leaves or scene.chance() < 0.08:
        return preparation(scene)
    name, leaf = recorded[max(scene.below(len(recorded)), scene.below(len(recorded)))], scene.one_of(leaves)
    total = name if not scene.live[name].ndim and scene.chance() < 0.8 else f"{name}.sum()"
    return scene.one_of([
        f"{total}.backward()", f"{total}.backward()", f"{total}.backward(retain_graph=True)",
        f"{name}.backward(torch.ones_like({name}))",
        f"({name} * {name}).sum().backward()",
        f"{scene.fresh()}, = torch.autograd.grad({total}, {leaf})",
        f"{scene.fresh()}, = torch.autograd.grad({total}, {leaf}, allow_unused=True, retain_graph=True)",
        f"{scene.fresh()}, = torch.autograd.grad({total}, {leaf}, create_graph=True)",
        f"{name}.retain_grad()", f"{name}.register_hook(lambda grad: grad * 2)",
        f"{leaf}.register_hook(lambda grad: grad + 1)",
    ])  # fmt: skip


def preparation(scene: Scene) -> str:
    name = scene.tensor(is_float)
    return scene.one_of([
        f"{name}.requires_grad_()", f"{name}.requires_grad_()", f"{name}.requires_grad_(False)",
        f"{scene.fresh()} = {name}.detach()", f"{name}.detach_()", f"{name}.grad = None",
        f"{scene.fresh()} = {name}.detach().requires_grad_()", f"{scene.fresh()} = {name}.clone().requires_grad_()",
    ])  # fmt: skip


# -- layers -----------------------------------------------------------------------------------------------------------


def layer(scene: Scene) -> str:
    modules = [name for name, each in scene.live.items() if isinstance(each, torch.nn.Module)]
    name = scene.tensor(lambda each: is_float(each) and has_dims(each))
    mine, dim = scene.live[name], scene.dim(name)
    inner = mine.shape[-1] if mine.ndim else 2
    if modules and scene.chance() < 0.4:
        module = scene.one_of(modules)
        return scene.one_of([f"{module}({name})", f"{module}({name})", f"{module}.weight.grad", f"{module}.weight.T"])
    if inner and scene.chance() < 0.12:
        return f"torch.manual_seed({scene.below(9)}) and torch.nn.Linear({inner}, 2)"
    target = scene.tensor(lambda each: is_float(each) and each.shape == mine.shape)
    kind, classes = kind_of(mine), mine.shape[0] if mine.ndim == 2 else ()
    return scene.one_of([
        f"torch.nn.functional.relu({name})", f"torch.nn.functional.softmax({name}, dim={dim})",
        f"torch.nn.functional.log_softmax({name}, {dim})", f"torch.nn.functional.mse_loss({name}, {target})",
        f"torch.nn.MSELoss(reduction='sum')({name}, {target})", f"torch.softmax({name}, {dim})",
        f"torch.nn.functional.linear({name}, {scene.literal([3, inner], kind)}, {scene.literal([3], kind)})",
        f"torch.nn.functional.linear({name}, {scene.literal([2, inner], kind)})",
        f"torch.nn.functional.pad({name}, (1, 0), value={scene.number()})", f"torch.nn.ReLU()({name})",
        f"torch.nn.functional.cross_entropy({name}, torch.zeros({classes}, dtype=torch.int64))",
        f"torch.nn.Sigmoid()({name})", f"torch.nn.Flatten(0)({name})",
    ])  # fmt: skip


MAKERS: Final[dict[Callable[[Scene], str], float]] = {
    bound(creation): 8, bound(view): 20, in_place_view: 1, bound(getitem): 12, setitem: 9, in_place: 14, out: 2,
    bound(arithmetic): 14, bound(comparison): 3, bound(bits): 2, bound(unary): 7, bound(conversion): 5,
    bound(reduction): 8, bound(order): 5, bound(gathering): 3, bound(joining): 4, bound(product): 5, gradient: 14,
    bound(layer): 5,
}  # fmt: skip


def next_step(scene: Scene) -> str:
    """Write a statement."""
    if len(scene.names()) < 2:
        return bound(creation)(scene)
    while True:
        maker = scene.source.choices(list(MAKERS), list(MAKERS.values()))[0]
        try:
            return maker(scene)
        except (NothingFits, RuntimeError):  # where PyTorch refuses even to be asked
            continue
