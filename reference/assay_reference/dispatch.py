"""How a kernel becomes an op: binding, promotion, broadcasting, out=, in-place, methods, operators and recording.

An op is written as a formula on arrays, with a decorator that says what kind of op it is and a gradient rule below it
(docs/reference.md shows how). Everything that all ops have in common is here, once.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, TypeAlias, TypeVar, get_args

import numpy as np

from assay_reference import dtypes
from assay_reference.arrays import Array
from assay_reference.devices import CPU, device
from assay_reference.dtypes import dtype
from assay_reference.engine import FREED, STALE, Edge, Grads, Meta, Node, edge_of, inference, meta_of, recording
from assay_reference.tensor import Tensor

Number: TypeAlias = complex
Scalar: TypeAlias = complex
Sizes: TypeAlias = Sequence[int]
Promotion = Literal["same", "int_to_float", "first"]
Promotes: TypeAlias = "Promotion | Callable[..., Promotion]"
Mask: TypeAlias = Array
Function = TypeVar("Function", bound=Callable[..., Any])

# The words of a kernel's annotations, and what each lets a caller pass.
ARRAY: Final = "Array"  # a tensor
MASK: Final = "Mask"  # a tensor of truth values, which takes no part in promotion
ARRAYS: Final = "Sequence[Array]"  # several tensors
NUMBER: Final = "Number"  # with Array: a Python number will do as well
SCALAR: Final = "Scalar"  # a Python number, which an elementwise kernel gets in the common type
SIZES: Final = "Sizes"  # whole numbers, in a sequence or spread out

REFLECTED: Final = frozenset("add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split())
FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {}  # the functions of the namespace, by name
MISSING: Final = object()


class Rule:
    """A gradient rule; the names of its parameters say what it needs."""

    def __init__(self, op: Op, function: Callable[..., Any]) -> None:
        self.function = function
        names = list(inspect.signature(function).parameters)
        unknown = set(names) - {"grad", "out", *op.names}
        if names[:1] != ["grad"] or unknown:
            raise TypeError(f"{op.name}: a gradient rule takes grad, then any of out, {', '.join(op.names)}; not {names}")
        self.needs_out = "out" in names
        self.needs = tuple(each for each in names if each not in ("grad", "out"))

    def __call__(self, grad: Any, node: OpNode) -> Any:
        needed = {name: _unpacked(node.saved[name]) for name in self.needs}
        if self.needs_out:
            outs = tuple(_unpacked(each) for each in node.saved_outs)
            for number, each in enumerate(outs):  # saved without their history, which would be a cycle
                if number in node.differentiable:
                    each._node, each._output_nr, each._requires_grad = node, number, True
            needed["out"] = outs if len(outs) > 1 else outs[0]
        return self.function(grad, **needed)


class Saved:
    """A tensor that a gradient rule will need, and the version in which it needs it."""

    __slots__ = ("source", "tensor", "version")

    def __init__(self, tensor: Tensor, source: Node | None, output: int) -> None:
        if tensor._storage.inference:
            raise RuntimeError(
                "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode "
                "in computation tracked by autograd. To work around this, you can make a clone to get a normal tensor "
                "and use it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
            )
        self.tensor = tensor
        self.version = tensor._storage.version
        self.source = "" if source is None else f", which is output {output} of {source.name().split('Backward')[0]}"

    def unpack(self) -> Tensor:
        """Give the tensor, if it is still what it was."""
        if self.tensor._storage.version != self.version:
            raise RuntimeError(
                STALE.format(
                    type=self.tensor.type(),
                    shape=list(self.tensor.shape),
                    source=self.source,
                    now=self.tensor._storage.version,
                    then=self.version,
                )
            )
        return self.tensor


def _saved(value: Any) -> Any:
    if isinstance(value, Tensor):
        return Saved(value, value._node, value._output_nr)
    if isinstance(value, tuple) and any(isinstance(each, Tensor) for each in value):
        return tuple(_saved(each) for each in value)
    return value


def _unpacked(saved: Any) -> Any:
    if isinstance(saved, Saved):
        return saved.unpack()
    if isinstance(saved, tuple):
        return tuple(_unpacked(each) for each in saved)
    return saved


class OpNode(Node):
    """A recorded call of an op."""

    op: ClassVar[Op]

    def __init__(self, edges: Sequence[Edge | None], outs: Sequence[Tensor], values: Sequence[Any]) -> None:
        super().__init__(edges, [meta_of(each) for each in outs])
        self.differentiable = [place for place, each in enumerate(outs) if _is_differentiable(each.dtype)]
        self.saved_outs: tuple[Saved, ...] = ()
        self.freed = False
        self.operands: list[tuple[str, int]] = []  # the name of each operand that is there, and of how many tensors
        for place in self.op.operands:
            value = values[place]
            if isinstance(value, (Tensor, tuple)):
                self.operands.append((self.op.names[place], len(value) if isinstance(value, tuple) else 1))
        self.rules = self._applicable_rules()
        needed = {name for rule in self.rules for name in rule.needs}
        self.saved = {name: _saved(values[self.op.index[name]]) for name in needed}

    def _applicable_rules(self) -> list[Rule]:
        if self.op.joint_rule is not None:
            return [self.op.joint_rule]
        wanted, first = [], 0
        for name, count in self.operands:
            if any(self.edges[first : first + count]) and name in self.op.rules:
                wanted.append(self.op.rules[name])
            first += count
        return wanted

    def save_outputs(self, outs: Sequence[Tensor]) -> None:
        """Save the results too, if a rule asks for them."""
        if any(rule.needs_out for rule in self.rules):
            self.saved_outs = tuple(Saved(each.detach(), self, number) for number, each in enumerate(outs))

    def release(self) -> None:
        self.freed = bool(self.saved_outs) or any(isinstance(each, (Saved, tuple)) for each in self.saved.values())
        if self.freed:
            self.saved, self.saved_outs = {}, ()

    def __call__(self, grads: Grads, wanted: Sequence[bool]) -> Grads:
        if self.freed:
            raise RuntimeError(FREED)
        defined = [self._or_zeros(grads[place], place) for place in self.differentiable]
        grad = defined[0] if len(defined) == 1 else tuple(defined)
        if self.op.joint_rule is not None:
            return self._flat(self.op.joint_rule(grad, self))
        results: list[Tensor | None] = []
        for name, count in self.operands:
            rule = self.op.rules.get(name)
            if rule is None or not any(wanted[len(results) : len(results) + count]):
                results += [None] * count
            else:
                result = rule(grad, self)
                results += result if isinstance(result, (tuple, list)) else [result]
        return results

    def _or_zeros(self, grad: Tensor | None, place: int) -> Tensor:
        if grad is not None:
            return grad
        meta = self.outputs[place]
        return Tensor._wrap(meta.device.xp.zeros(meta.shape, meta.dtype.numpy), meta.device)

    def _flat(self, results: Any) -> list[Tensor | None]:
        """Line up what a joint rule gave, an entry for each operand of the op, with the edges."""
        if len(self.op.operands) == 1 and self.op.operands[0] not in self.op.lists:
            return [results]
        entries = results if len(self.op.operands) > 1 else (results,)
        present = {name for name, _ in self.operands}
        flat: list[Tensor | None] = []
        for place, entry in zip(self.op.operands, entries, strict=True):
            if self.op.names[place] in present:
                flat += entry if place in self.op.lists else [entry]
        return flat


class CopySlices(Node):
    """A write into a view, as its base sees it: what was overwritten has no more influence."""

    def __init__(self, base: Tensor, written: Node, chain: Chain) -> None:
        super().__init__((edge_of(base), Edge(written, 0)), (meta_of(base),))
        self.chain = chain

    def __call__(self, grads: Grads, wanted: Sequence[bool]) -> Grads:
        grad = grads[0]
        if grad is None:
            return None, None
        kept = None
        if wanted[0]:
            kept = grad.clone()
            _replayed(kept, self.chain).zero_()
        return kept, _replayed(grad, self.chain).clone() if wanted[1] else None


Chain: TypeAlias = "tuple[tuple[ViewOp, tuple[Any, ...], int], ...]"


def _replayed(base: Tensor, chain: Chain) -> Tensor:
    """Take the same view of another tensor."""
    view = base
    for op, rest, number in chain:
        taken = op.perform([view, *rest])
        view = taken[number] if isinstance(taken, tuple) else taken
    return view


class Op:
    """A documented function: a kernel on arrays, with its gradient rules."""

    casts_result = False  # whether an in-place form takes a result of any type
    shares_memory = False

    def __init__(
        self,
        kernel: Callable[..., Any],
        *,
        name: str | None = None,
        out: bool = False,
        node: str | None = None,
        returns: tuple[str, ...] = (),
        refuses: Mapping[str, Exception] | None = None,
    ) -> None:
        if isinstance(returns, str):
            raise TypeError(f"{kernel.__name__}: returns is a tuple of names")
        self.kernel = kernel
        self.name = name or kernel.__name__
        self.takes_out = out
        self.returns = _named_tuple(self.name, returns) if returns else None
        parameters = inspect.signature(kernel).parameters.values()
        words = [str(each.annotation).split(" | ") for each in parameters]
        self.names = [each.name for each in parameters]
        self.index = {each: place for place, each in enumerate(self.names)}
        self.defaults = [MISSING if each.default is each.empty else each.default for each in parameters]
        self.positional = sum(each.kind is not each.KEYWORD_ONLY for each in parameters)
        self.operands = [place for place, word in enumerate(words) if {ARRAY, MASK, ARRAYS} & set(word)]
        self.masks = frozenset(place for place, word in enumerate(words) if MASK in word)
        self.lists = frozenset(place for place, word in enumerate(words) if ARRAYS in word)
        self.takes_number = frozenset(place for place, word in enumerate(words) if NUMBER in word)
        self.scalars = [place for place, word in enumerate(words) if SCALAR in word]
        self.takes_none = frozenset(place for place, word in enumerate(words) if "None" in word)
        self.spread = next((place for place, word in enumerate(words) if SIZES in word), None)
        self.precondition: Callable[..., None] | None = None
        self.refusals = _by_dtype(self.name, refuses or {})
        self.rules: dict[str, Rule] = {}
        self.joint_rule: Rule | None = None
        self.node: type[OpNode] = type(node or f"{_camel(self.name)}Backward0", (OpNode,), {"op": self})
        if not self.operands:
            raise TypeError(f"{self.name}: no parameter of the kernel is annotated Array")
        functools.update_wrapper(self, kernel)
        self.__name__ = self.__qualname__ = self.name
        self.__signature__ = _signature(kernel, out=out)

    def vjp(self, rule: Callable[..., Any] | None = None, /, **rules: Callable[..., Any]) -> Any:
        """Register the gradient: one rule for all operands, or one for each by name.

        A rule names what it needs: `grad`, `out`, and any of the op's own arguments. What it names is what is saved.
        """
        if self.rules or self.joint_rule or (rule is None) == (not rules):
            raise TypeError(f"{self.name}: the gradient is defined twice, or not at all")
        if rule is not None:
            self.joint_rule = Rule(self, rule)
            return rule
        unknown = rules.keys() - {self.names[place] for place in self.operands}
        if unknown:
            raise TypeError(f"{self.name}: {', '.join(sorted(unknown))} is not an operand")
        self.rules = {operand: Rule(self, each) for operand, each in rules.items()}
        return None

    def check(self, precondition: Callable[..., None]) -> Callable[..., None]:
        """Register what must hold of a call's arguments; the function takes the kernel's parameters, and raises."""
        if self.precondition is not None or list(inspect.signature(precondition).parameters) != self.names:
            raise TypeError(f"{self.name}: a check takes {', '.join(self.names)}, and there is one of them")
        self.precondition = precondition
        return precondition

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any], *, method: bool = False) -> list[Any]:
        """Put a call's arguments in the kernel's order, and check the operands among them."""
        if len(args) > self.positional or (self.spread is not None and len(args) > self.spread):
            args = self._gathered(args, method)
        values = [*args, *self.defaults[len(args) :]]
        for name, value in kwargs.items():
            place = self.index.get(name)
            if place is None:
                raise TypeError(f"{self.name}() got an unexpected keyword argument '{name}'")
            if place < len(args):
                raise TypeError(f"{self.name}() got multiple values for argument '{name}'")
            values[place] = value
        for place in self.operands:
            if not isinstance(values[place], Tensor):
                values[place] = self._operand(place, values[place], place + (not method))
        if len(args) + len(kwargs) < len(values):
            self._check_complete(values)
        return values

    def _gathered(self, args: Sequence[Any], method: bool) -> Sequence[Any]:
        """Collect sizes that were spread out over the arguments."""
        if self.spread is None or len(args) <= self.spread:
            takes, given = self.positional - method, len(args) - method
            raise TypeError(
                f"{self.name}() takes {takes} positional argument{'s' * (takes != 1)} "
                f"but {given} {'were' if given != 1 else 'was'} given"
            )
        before, sizes = args[: self.spread], args[self.spread :]
        if isinstance(sizes[0], (tuple, list)):
            return (*before, tuple(sizes[0]), *sizes[1:])
        return (*before, tuple(sizes))

    def _check_complete(self, values: list[Any]) -> None:
        absent = [name for name, value in zip(self.names, values, strict=True) if value is MISSING]
        if absent:
            listed = ", ".join(f'"{each}"' for each in absent)
            raise TypeError(f"{self.name}() missing {len(absent)} required positional arguments: {listed}")

    def _operand(self, place: int, value: Any, position: int) -> Any:
        """Accept what may stand for a tensor, or say what is wrong with it."""
        if value is MISSING or (value is None and place in self.takes_none):
            return value
        if place in self.lists and isinstance(value, (tuple, list)):
            for number, each in enumerate(value):
                if not isinstance(each, Tensor):
                    raise TypeError(
                        f"expected Tensor as element {number} in argument {position - 1}, but got {_type_name(each)}"
                    )
            return tuple(value)
        if place in self.takes_number:
            if isinstance(value, (bool, int, float, complex)):
                return value
            if isinstance(value, np.generic):
                return value.item()
        wanted = "tuple of Tensors" if place in self.lists else "Tensor"
        raise TypeError(
            f"{self.name}(): argument '{self.names[place]}' (position {position}) must be {wanted}, "
            f"not {_type_name(value)}"
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None) if kwargs and self.takes_out else None
        values = self.bind(args, kwargs)
        return self.perform(values) if out is None else self.perform_into(out, values)

    def compute(self, values: list[Any]) -> Any:
        """Run the kernel on arrays; give its array, or a tuple of them."""
        if self.refusals:
            for tensor in self.tensors(values):
                self.check_accepted(tensor.dtype)
        if self.precondition is not None:
            self.call(self.precondition, values)
        arrays = list(values)
        half = None
        for place in self.operands:
            value = values[place]
            if isinstance(value, Tensor):
                half = value.dtype if value.dtype.is_half else half
                arrays[place] = _computable(value)
            elif isinstance(value, tuple):
                half = next((each.dtype for each in value if each.dtype.is_half), half)
                arrays[place] = tuple(_computable(each) for each in value)
        with np.errstate(all="ignore"):
            result = self.call(self.kernel, arrays)
            return result if half is None else _rounded(result, half)

    def check_accepted(self, kind: dtype) -> None:
        """Refuse a type that the op does not take, in PyTorch's words."""
        refusal = self.refusals.get(kind)
        if refusal is not None:
            raise type(refusal)(str(refusal).replace("{dtype}", f"'{kind.title}'"))

    def call(self, function: Callable[..., Any], arguments: list[Any]) -> Any:
        """Call a function that takes the kernel's parameters."""
        if self.positional == len(arguments):
            return function(*arguments)
        named = zip(self.names[self.positional :], arguments[self.positional :], strict=True)
        return function(*arguments[: self.positional], **dict(named))

    def perform(self, values: list[Any]) -> Any:
        """Compute, wrap and record."""
        place = self.device_of(values)
        result = self.compute(values)
        if isinstance(result, tuple):
            outs = tuple(Tensor._wrap(each, place) for each in result)
            self.record(values, outs)
            return self.returns(*outs) if self.returns is not None else outs
        out = Tensor._wrap(result, place)
        if recording.get():
            self.record(values, (out,))
        return out

    def perform_into(self, out: Any, values: list[Any]) -> Any:
        """Compute into tensors that the caller gave."""
        outs = tuple(out) if isinstance(out, (tuple, list)) else (out,)
        for each in outs:
            if not isinstance(each, Tensor):
                raise TypeError(f"{self.name}(): argument 'out' must be Tensor, not {_type_name(each)}")
        if recording.get() and (self.needs_grad(values) or any(each.requires_grad for each in outs)):
            raise RuntimeError(
                f"{self.name}(): functions with out=... arguments don't support automatic differentiation, "
                "but one of the arguments requires grad."
            )
        place = self.device_of(values)
        result = self.compute(values)
        results = result if isinstance(result, tuple) else (result,)
        for tensor, array in zip(outs, results, strict=True):
            fill_out(tensor, array, place)
        return out if self.returns is None else self.returns(*outs)

    def perform_in_place(self, values: list[Any]) -> Tensor:
        """Compute into the first operand."""
        target: Tensor = values[0]
        needs_grad = self.needs_grad(values)
        check_writable(target)
        self.device_of(values)
        result = self.compute(values)
        if result.shape != target._array.shape:
            raise RuntimeError(
                f"output with shape {list(target.shape)} doesn't match the broadcast shape {list(result.shape)}"
            )
        if not self.casts_result:
            check_cast(result, target)
        node = None
        if needs_grad and _is_differentiable(target.dtype):
            if any(self.names[0] in rule.needs for rule in self.all_rules()):
                values = [target.clone(), *values[1:]]  # the rule will need what is overwritten now
            node = self.make_node(values, (target,))
        write(target, result)
        if node is not None:
            node.save_outputs((target,))
            rebase(target, node)
        return target

    def device_of(self, values: list[Any]) -> device:
        """Give the device of the operands, which must be one."""
        found: device | None = None
        for tensor in self.tensors(values):
            if found is None:
                found = tensor.device
            elif tensor.device is not found and tensor.device != found:
                return self._only_device([each for each in self.tensors(values) if not self._is_host_number(each)])
        return found or CPU

    def _is_host_number(self, tensor: Tensor) -> bool:
        """Tell whether a tensor may meet tensors of another device."""
        return False

    def _only_device(self, tensors: list[Tensor]) -> device:
        places = list(dict.fromkeys(each.device for each in tensors))
        if len(places) > 1:
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"{places[0]} and {places[1]}!"
            )
        return places[0]

    def tensors(self, values: list[Any]) -> Iterator[Tensor]:
        """Give the tensors among the operands."""
        for place in self.operands:
            value = values[place]
            if isinstance(value, Tensor):
                yield value
            elif isinstance(value, tuple):
                yield from value

    def all_rules(self) -> list[Rule]:
        """Give the gradient rules."""
        return [*self.rules.values(), *([] if self.joint_rule is None else [self.joint_rule])]

    def needs_grad(self, values: list[Any]) -> bool:
        """Tell whether a call is to be recorded."""
        if not recording.get():
            return False
        for each in self.tensors(values):
            if each._requires_grad or (each._base is not None and each.requires_grad):
                return True
        return False

    def make_node(self, values: list[Any], outs: tuple[Tensor, ...]) -> OpNode:
        """Record a call."""
        if not self.rules and self.joint_rule is None:
            raise NotImplementedError(f"the derivative for '{self.name}' is not implemented.")
        return self.node([edge_of(each) for each in self.tensors(values)], outs, values)

    def record(self, values: list[Any], outs: tuple[Tensor, ...]) -> None:
        """Make the results remember how they were made, where a gradient is wanted."""
        if not self.needs_grad(values) or not any(_is_differentiable(each.dtype) for each in outs):
            return
        node = self.make_node(values, outs)
        node.save_outputs(outs)
        for number in node.differentiable:
            out = outs[number]
            out._node, out._output_nr, out._requires_grad = node, number, True


class Elementwise(Op):
    """An op on each element: its operands are promoted to one type and broadcast."""

    def __init__(
        self, kernel: Callable[..., Any], *, promotes: Promotes, wide_numbers: bool = False, **options: Any
    ) -> None:
        if promotes not in get_args(Promotion) and not callable(promotes):
            raise TypeError(f"{kernel.__name__}: promotes is one of {', '.join(get_args(Promotion))}")
        super().__init__(kernel, **options)
        self.promotes = promotes
        self.wide_numbers = wide_numbers  # whether numbers that meet half types stay float32
        self.casts_result = promotes == "first"

    def compute(self, values: list[Any]) -> Any:
        common = self.common_dtype(values)
        if self.precondition is not None:
            self.call(self.precondition, values)
        compute = common.compute
        arrays = list(values)
        shape = None
        for place in self.operands:
            value = values[place]
            if isinstance(value, Tensor):
                array = value._array
                if shape is None:
                    shape = array.shape
                elif array.shape != shape:
                    shape = broadcast_shape(shape, array.shape)
                if not array.shape:
                    array = array[()]  # a number of either device may meet arrays of the other
                if place not in self.masks and array.dtype != compute:
                    array = cast(array, compute)
                arrays[place] = array
            elif value is not None:
                arrays[place] = common.scalar(value, wide=self.wide_numbers)
        for place in self.scalars:
            arrays[place] = common.scalar(values[place], wide=True)
        with np.errstate(all="ignore"):
            result = self.call(self.kernel, arrays)
            if common.compute is not common.numpy and result.dtype == compute:
                return result.astype(common.numpy)
        if any(result is array for array in arrays):
            return result.copy()
        return result

    def common_dtype(self, values: list[Any]) -> dtype:
        """Give the type in which a call computes."""
        ranked: list[tuple[dtype, dtypes.Rank]] = []
        for place in self.operands:
            value = values[place]
            if isinstance(value, Tensor):
                if place not in self.masks:
                    ranked.append((value.dtype, "dimensioned" if value._array.ndim else "zero_dim"))
            elif value is not None:
                ranked.append((dtypes.of_number(value), "number"))
        promotes = self.call(self.promotes, values) if callable(self.promotes) else self.promotes
        if promotes == "first":
            return ranked[0][0]
        common = dtypes.result_of(tuple(ranked))
        if self.refusals:
            self.check_accepted(common)
        if promotes == "int_to_float" and common.category in ("bool", "integer"):
            return dtypes.get_default_dtype()
        return common

    def _is_host_number(self, tensor: Tensor) -> bool:
        return not tensor._array.ndim and tensor.device is CPU


class ViewOp(Op):
    """An op whose result shares the memory of its first operand."""

    shares_memory = True

    def perform(self, values: list[Any]) -> Any:
        source: Tensor = values[0]
        result = self.call(self.kernel, [source._array, *values[1:]])
        several = isinstance(result, (tuple, list))
        outs = tuple(source._view(each) for each in (result if several else (result,)))
        for number, out in enumerate(outs):
            out._chain = (*source._chain, (self, tuple(values[1:]), number))
            out._view_of_several = several
        if recording.get():
            self.record(values, outs)
        return outs if several else outs[0]


def refresh_history(view: Tensor) -> None:
    """Record a view anew after a write to the memory that it shares."""
    base = view._base
    view._seen_version = view._storage.version
    if base is None or view._made_without_grad or not base.requires_grad:
        return
    token = recording.set(True)
    try:
        fresh = _replayed(base, view._chain)
    finally:
        recording.reset(token)
    view._node, view._output_nr, view._requires_grad = fresh._node, fresh._output_nr, True


def rebase(target: Tensor, node: Node) -> None:
    """Make a tensor the result of an in-place step, and its base, if it is a view, the result of a write into it."""
    base = target._base
    if base is not None:
        base._node, base._output_nr = CopySlices(base, node, target._chain), 0
        base._requires_grad = True
    target._node, target._output_nr, target._requires_grad = node, 0, True
    target._seen_version = target._storage.version


def check_writable(target: Tensor) -> None:
    """Refuse an in-place change that would make the recorded history wrong."""
    if target._storage.inference and not inference.get():
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a "
            "normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details."
        )
    if not recording.get():
        return
    base = target._base
    if target._requires_grad and target.grad_fn is None:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    if base is None or not (target.requires_grad or base.requires_grad):
        return
    if base._requires_grad and base._node is None:
        raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
    if target._made_without_grad:
        raise RuntimeError(
            "A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that this "
            "use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view "
            "and the inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or both "
            "outside (if you want the inplace to be tracked)."
        )
    if target._view_of_several:
        source = "" if target._node is None else target._node.name().split("Backward")[0]
        raise RuntimeError(
            f"Output {target._output_nr} of {source} is a view and is being modified inplace. This view is the output "
            "of a function that returns multiple views. Such functions do not allow the output views to be modified "
            "inplace. You should replace the inplace operation by an out-of-place one."
        )


def check_cast(result: Any, target: Tensor) -> None:
    """Refuse to store a result in a type of a lower category."""
    of = dtypes.of_array(result)
    if not dtypes.can_cast(of, target.dtype):
        raise RuntimeError(f"result type {of.title} can't be cast to the desired output type {target.dtype.title}")


def write(target: Tensor, result: Any) -> None:
    """Overwrite a tensor's elements, which all its views see."""
    array = target._array
    if any(size > 1 and stride == 0 for size, stride in zip(array.shape, array.strides, strict=True)):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )
    array[...] = result if result.dtype == array.dtype else cast(result, array.dtype)
    target._storage.version += 1


def fill_out(target: Tensor, result: Any, place: device) -> None:
    """Put a result where out= says, which is resized to hold it."""
    check_cast(result, target)
    if target.device != place:
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, {place} and {target.device}!"
        )
    if target._array.shape != result.shape:
        if target._array.size:
            warnings.warn(
                "An output with one or more elements was resized since it had shape "
                f"{list(target.shape)}, which does not match the required output shape {list(result.shape)}. This "
                "behavior is deprecated, and in a future PyTorch release outputs will not be resized unless they have "
                "zero elements. You can explicitly reuse an out tensor t by resizing it, inplace, to zero elements with "
                "t.resize_(0).",
                UserWarning,
                stacklevel=4,
            )
        target._array = place.xp.empty(result.shape, target.dtype.numpy)
        target._storage.array = target._array
    write(target, result)


def cast(array: Any, to: Any) -> Any:
    """Convert an array as C does: floats towards zero, complex numbers to their real parts."""
    if array.dtype.kind == "c" and to.kind != "c":
        array = array != 0 if to.kind == "b" else array.real
    with np.errstate(all="ignore"):
        return array.astype(to)


def broadcast_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """Give the shape that two shapes have in common, or say in which dimension they differ."""
    dims = max(len(a), len(b))
    left, right = (1,) * (dims - len(a)) + a, (1,) * (dims - len(b)) + b
    for dim in range(dims - 1, -1, -1):
        if left[dim] != right[dim] and left[dim] != 1 and right[dim] != 1:
            raise RuntimeError(
                f"The size of tensor a ({left[dim]}) must match the size of tensor b ({right[dim]}) at non-singleton "
                f"dimension {dim}"
            )
    return tuple(n if m == 1 else m for m, n in zip(left, right, strict=True))


def not_implemented(kernel: str) -> Exception:
    """Say that a kernel does not take a type, for `refuses`."""
    return NotImplementedError(f'"{kernel}" not implemented for {{dtype}}')


def _by_dtype(name: str, refuses: Mapping[str, Exception]) -> dict[dtype, Exception]:
    known = {*dtypes.CATEGORIES, *(each.name for each in dtypes.DTYPES)}
    if not refuses.keys() <= known:
        raise TypeError(f"{name}: refuses takes dtypes and categories of them, not {sorted(refuses.keys() - known)}")
    return {
        each: refuses.get(each.name, refuses.get(each.category, Exception()))
        for each in dtypes.DTYPES
        if {each.name, each.category} & refuses.keys()
    }


def _is_differentiable(of: dtype) -> bool:
    return of.is_floating_point or of.is_complex


def _computable(tensor: Tensor) -> Any:
    return tensor._array.astype(np.float32) if tensor.dtype.is_half else tensor._array


def _rounded(result: Any, half: dtype) -> Any:
    if isinstance(result, tuple):
        return tuple(_rounded(each, half) for each in result)
    return result.astype(half.numpy) if result.dtype == np.float32 else result


def _type_name(value: Any) -> str:
    return type(value).__name__


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _signature(kernel: Callable[..., Any], *, out: bool) -> inspect.Signature:
    signature = inspect.signature(kernel)
    parameters = list(signature.parameters.values())
    if out:
        parameters.append(inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None))
    return signature.replace(parameters=parameters)


def _named_tuple(name: str, fields: tuple[str, ...]) -> Any:
    """Make the type of a result of several parts, which shows itself a part a line."""
    kind: Any = namedtuple(name, fields)  # type: ignore[misc]  # noqa: PYI024

    def show(self: Any) -> str:
        parts = ",\n".join(f"{field}={value!r}" for field, value in zip(fields, self, strict=True))
        return f"torch.return_types.{name}(\n{parts})"

    kind.__repr__ = show
    kind.__module__ = "torch.return_types"
    return kind


def elementwise(
    *,
    promotes: Promotes,
    function: bool = True,
    method: bool = True,
    in_place: bool = True,
    out: bool = True,
    operator: str | None = None,
    **options: Any,
) -> Callable[[Callable[..., Any]], Elementwise]:
    """Make an op of a formula for one element."""

    def decorate(kernel: Callable[..., Any]) -> Elementwise:
        made = Elementwise(kernel, promotes=promotes, out=out, **options)
        _attach(made, function=function, method=method, in_place=in_place, operator=operator)
        return made

    return decorate


def op(
    *,
    function: bool = True,
    method: bool = True,
    in_place: bool = False,
    out: bool = False,
    operator: str | None = None,
    **options: Any,
) -> Callable[[Callable[..., Any]], Op]:
    """Make an op of a kernel that gives a new array, or a tuple of them."""

    def decorate(kernel: Callable[..., Any]) -> Op:
        made = Op(kernel, out=out, **options)
        _attach(made, function=function, method=method, in_place=in_place, operator=operator)
        return made

    return decorate


def view(*, function: bool = True, method: bool = True, **options: Any) -> Callable[[Callable[..., Any]], ViewOp]:
    """Make an op of a kernel that gives a view of its first operand's memory, or a tuple of views."""

    def decorate(kernel: Callable[..., Any]) -> ViewOp:
        made = ViewOp(kernel, **options)
        _attach(made, function=function, method=method, in_place=False, operator=None)
        return made

    return decorate


def composite(
    *, function: bool = True, method: bool = True, out: bool = False, name: str | None = None
) -> Callable[[Function], Function]:
    """Name a function that is written on tensors, by way of other ops: a function, a method, or both."""

    def decorate(body: Function) -> Function:
        called = name or body.__name__
        offered = _with_out(body, called) if out else body
        if function:
            _register(FUNCTIONS, called, offered)
        if method:
            attach(called, body)
        return offered

    return decorate


def _with_out(body: Function, name: str) -> Function:
    @functools.wraps(body)
    def with_out(*args: Any, out: Any = None, **kwargs: Any) -> Any:
        if out is None:
            return body(*args, **kwargs)
        given = [each for each in (*args, *kwargs.values(), out) if isinstance(each, Tensor)]
        if recording.get() and any(each.requires_grad for each in given):
            raise RuntimeError(
                f"{name}(): functions with out=... arguments don't support automatic differentiation, "
                "but one of the arguments requires grad."
            )
        result = body(*args, **kwargs)
        fill_out(out, result._array, result.device)
        return out

    with_out.__signature__ = _signature(body, out=True)  # type: ignore[attr-defined]
    return with_out  # type: ignore[return-value]


def _attach(made: Op, *, function: bool, method: bool, in_place: bool, operator: str | None) -> None:
    """Offer an op under all its names."""
    if function:
        _register(FUNCTIONS, made.name, made)
    if method:
        attach(made.name, _method(made))
    if in_place:
        attach(f"{made.name}_", _in_place_method(made))
    if operator is None:
        return
    attach(f"__{operator}__", _operator(made, lambda self, other: [self, other]))
    if operator in REFLECTED:
        attach(f"__r{operator}__", _operator(made, lambda self, other: [other, self]))
        if in_place:
            attach(f"__i{operator}__", _in_place_operator(made))


def _register(functions: dict[str, Callable[..., Any]], name: str, function: Callable[..., Any]) -> None:
    if name in functions:
        raise TypeError(f"{name}: defined twice")
    functions[name] = function


def attach(name: str, function: Any) -> None:
    """Give Tensor a method or a property."""
    if name in vars(Tensor) and name not in vars(object):
        raise TypeError(f"Tensor.{name}: defined twice")
    setattr(Tensor, name, function)


def _method(made: Op) -> Callable[..., Any]:
    def method(*args: Any, **kwargs: Any) -> Any:
        return made.perform(made.bind(args, kwargs, method=True))

    return _described(method, made, made.name)


def _in_place_method(made: Op) -> Callable[..., Any]:
    def in_place(*args: Any, **kwargs: Any) -> Any:
        return made.perform_in_place(made.bind(args, kwargs, method=True))

    return _described(in_place, made, f"{made.name}_")


def _operator(made: Op, order: Callable[[Any, Any], list[Any]]) -> Callable[..., Any]:
    if len(made.operands) == 1 and made.positional == 1:

        def unary(self: Any) -> Any:
            return made.perform([self, *made.defaults[1:]])

        return _described(unary, made, made.name)

    def binary(self: Any, other: Any) -> Any:
        try:
            values = made.bind(order(self, other), {}, method=True)
        except TypeError:
            return NotImplemented
        return made.perform(values)

    return _described(binary, made, made.name)


def _in_place_operator(made: Op) -> Callable[..., Any]:
    def in_place(self: Any, other: Any) -> Any:
        try:
            values = made.bind((self, other), {}, method=True)
        except TypeError:
            return NotImplemented
        return made.perform_in_place(values)

    return _described(in_place, made, f"{made.name}_")


def _described(function: Any, made: Op, name: str) -> Callable[..., Any]:
    function.__name__, function.__doc__ = name, made.kernel.__doc__
    function.__qualname__ = f"Tensor.{name}"
    function.__signature__ = _signature(made.kernel, out=False)
    result: Callable[..., Any] = function
    return result
