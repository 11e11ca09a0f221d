"""Ops: kernels on arrays that are called with tensors.

A call goes through the same steps for every op: bind the arguments, compare the devices, compute (check, promote,
broadcast, run the kernel), wrap the result, record.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections import Counter, namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from assay_reference.core import dtypes
from assay_reference.core.arrays import contiguous_strides, strided
from assay_reference.core.devices import CPU, device
from assay_reference.core.dtypes import dtype
from assay_reference.core.engine import Edge, edge_of
from assay_reference.core.grad_mode import records
from assay_reference.core.history import check_writable, rebase
from assay_reference.core.layouts import Packed, layout, no_kernel, sparse_coo
from assay_reference.core.parameters import Parameters
from assay_reference.core.recording import UNDERIVED, OpNode, Rule
from assay_reference.core.strides import copied, laid_out, strides_of_copy, strides_of_result
from assay_reference.core.tensor import Tensor
from assay_reference.core.writing import (
    CAST,
    EXPECTED,
    FOUND,
    OutTypes,
    broadcast_shape,
    cast,
    check_apart,
    check_cast,
    check_out,
    check_own,
    check_single,
    fill_out,
    fit,
    is_same_view,
    write,
)

Promotion = Literal["same", "int_to_float", "first"]
Promotes: TypeAlias = "Promotion | Callable[..., Promotion]"
Into: TypeAlias = "Callable[[Any, dtype | None], None]"  # refuses the shape or the type of a result before it is there


class Op:
    """A documented function: a kernel on arrays, with its gradient rules."""

    casts_result = False  # whether an in-place form takes a result of any type
    refuses_cast: Exception = CAST  # how an out= of a lower category is refused
    refuses_out = EXPECTED  # how an out= of another type is refused
    wraps_numbers = False  # whether a number among the operands counts as a tensor, which half types leave float32

    def __init__(
        self,
        kernel: Callable[..., Any],
        *,
        name: str | None = None,
        out: OutTypes | None = None,
        node: str | Callable[..., str] | None = None,
        returns: tuple[str, ...] = (),
        keeps_half: bool = False,
        keeps_strides: bool = False,
        refuses: Mapping[str, Exception] | None = None,
        former: Sequence[str] = (),
        repeats: bool | Callable[..., bool] = False,
        reads_first: bool = False,
        apart: bool = False,
        spares_same: bool = False,
        has_slope: bool = True,
        layouts: Sequence[layout] = (),
    ) -> None:
        if isinstance(returns, str):
            raise TypeError(f"{kernel.__name__}: returns is a tuple of names")
        self.kernel = kernel
        self.name = name or kernel.__name__
        self.takes_out = out is not None
        self.out_type = out
        self.keeps_half = keeps_half  # whether the kernel takes the half types as they are
        self.keeps_strides = keeps_strides  # whether results stay as the kernel laid them out, or are put in order
        self.repeats = (
            repeats  # whether a tensor that repeats its elements may be written to, or a function of the call
        )
        self.reads_first = reads_first  # whether 0-d tensors among the operands are read before anything is written
        self.apart = apart  # whether nothing may be read from the memory that is written to
        self.spares_same = spares_same  # whether nothing is read and written where the operand is the same memory
        self.has_slope = has_slope  # whether a gradient could flow back from the result, if it is not written in place
        self.returns = _named_tuple(self.name, returns) if returns else None
        self.fields = returns
        self.parameters = Parameters(kernel, self.name, former)
        self.names, self.operands = self.parameters.names, self.parameters.operands
        self.bind = self.parameters.bind
        self.precondition: Callable[..., None] | None = None
        self.kernels = dict.fromkeys(layouts, kernel)  # for operands that are not strided
        self.refusals = _by_dtype(self.name, refuses or {})
        self.rules: dict[str, Rule] = {}
        self.joint_rule: Rule | None = None
        self.node = node or f"{_camel(self.name)}Backward0"  # what recorded calls are called, or a function of the call
        self.node_types: dict[str, type[OpNode]] = {}
        functools.update_wrapper(self, kernel)
        self.__name__ = self.__qualname__ = self.name
        self.__signature__ = signature_of(kernel, out=self.takes_out)

    def vjp(self, rule: Callable[..., Any] | None = None, /, **rules: Callable[..., Any]) -> Any:
        """Register the gradient: one rule for all operands, or one for each by name.

        A rule names what it needs: `grad`, `out`, and any of the op's own arguments. What it names is what is saved.
        """
        if self.rules or self.joint_rule or (rule is None) == (not rules):
            raise TypeError(f"{self.name}: the gradient is defined twice, or not at all")
        if rule is not None:
            self.joint_rule = Rule(self, rule)
            return rule
        unknown = rules.keys() - {self.names[position] for position in self.operands}
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

    def on(self, *layouts: layout) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register the kernel for calls whose first operand that is not strided has one of these layouts."""

        def register(kernel: Callable[..., Any]) -> Callable[..., Any]:
            if self.kernels.keys() & set(layouts):
                raise TypeError(f"{self.name}: two kernels for one layout")
            self.kernels.update(dict.fromkeys(layouts, kernel))
            return kernel

        return register

    def kernel_for(self, packed: Packed) -> Callable[..., Any]:
        """Return the kernel for a layout, or raise that there is none."""
        if packed.layout in self.kernels:
            return self.kernels[packed.layout]
        raise no_kernel(self.name, packed.backend)

    def __repr__(self) -> str:
        return f"<function torch.{self.name}>"

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None) if kwargs and self.takes_out else None
        values = self.bind(args, kwargs)
        return self.perform(values) if out is None else self.perform_into(out, values)

    def compute(self, values: list[Any], into: Into | None = None) -> Any:
        """Run the kernel on arrays, and return its array, or a tuple of them; what it is meant for may refuse it."""
        target = self.device_of(values)
        with target.current():
            return self.computed(values, target, into)

    def computed(self, values: list[Any], target: device, into: Into | None) -> Any:
        """Run the kernel, on the device that is current now."""
        arrays = list(values)
        half = packed = None
        for position in self.operands:
            value = values[position]
            if isinstance(value, Tensor):
                half = value.dtype if value.dtype.is_half and not self.keeps_half else half
                arrays[position] = array = self.computable(value)
                if isinstance(array, Packed) and packed is None:
                    packed = array
            elif isinstance(value, tuple):
                half = next((each.dtype for each in value if each.dtype.is_half and not self.keeps_half), half)
                arrays[position] = listed = tuple(self.computable(each) for each in value)
                packed = next((each for each in listed if isinstance(each, Packed)), packed)
        missing = self.check_arguments(values) if packed is None else None
        kernel = self.kernel if packed is None else self.kernel_for(packed)
        with np.errstate(all="ignore"):
            result = self.call(kernel, arrays) if missing is None else self.call_without_kernel(missing, arrays)
            result = result if half is None else _rounded(result, half)
            return result if self.keeps_strides else _in_order(result)

    def check_arguments(self, values: list[Any]) -> dtype | None:
        """Refuse types and values that the op does not take; return the type for which it has no kernel."""
        if self.precondition is not None:
            self.call(self.precondition, values)
        tensors = list(self.tensors(values)) if self.refusals else []
        refused = [each.dtype for each in tensors if each.dtype in self.refusals]
        for kind in refused:
            if not isinstance(self.refusals[kind], NotImplementedError):
                self.check_accepted(kind)
        return refused[0] if refused else None

    def call_without_kernel(self, kind: dtype, arrays: list[Any]) -> Any:
        """Raise what is wrong with the arguments, or else that there is no kernel, unless there is nothing to do."""
        result = None
        with contextlib.suppress(TypeError, ValueError):  # NumPy has no kernel either
            result = self.call(self.kernel, arrays)
        if isinstance(result, tuple) or result is None or result.size:
            self.check_accepted(kind)
        return result

    def computable(self, tensor: Tensor) -> Any:
        """Return the array that the kernel gets: half types in single precision."""
        half = tensor.dtype.is_half and not self.keeps_half
        return cast(tensor._array, np.dtype(np.float32)) if half else tensor._array

    def check_accepted(self, kind: dtype) -> None:
        """Refuse a type that the op does not take, in PyTorch's words."""
        refusal = self.refusals.get(kind)
        if refusal is not None:
            raise type(refusal)(str(refusal).replace("{dtype}", f"'{kind.title}'"))

    def call(self, function: Callable[..., Any], arguments: list[Any]) -> Any:
        """Call a function that takes the kernel's parameters."""
        if self.parameters.positional == len(arguments):
            return function(*arguments)
        named = zip(self.names[self.parameters.positional :], arguments[self.parameters.positional :], strict=True)
        return function(*arguments[: self.parameters.positional], **dict(named))

    def perform(self, values: list[Any]) -> Any:
        """Compute, wrap and record."""
        result = self.compute(values)
        if isinstance(result, tuple):
            outs = tuple(Tensor._wrap(each, keeps_strides=self.keeps_strides) for each in result)
            self.record(values, outs)
            return self.returns(*outs) if self.returns is not None else outs
        out = Tensor._wrap(result, keeps_strides=self.keeps_strides)
        if records():
            self.record(values, (out,))
        return out

    def perform_into(self, out: Any, values: list[Any]) -> Any:
        """Compute into tensors that the caller gave."""
        outs = self.outs_of(out)
        recorded = self.needs_grad(values) or any(each.requires_grad for each in outs)
        if records() and recorded and self.has_slope:
            raise RuntimeError(
                f"{self.name}(): functions with out=... arguments don't support automatic differentiation, "
                "but one of the arguments requires grad."
            )
        if isinstance(self, Elementwise):
            self.check_memory(outs[0], values)
        out_type = self.call(self.out_type, values) if callable(self.out_type) else self.out_type

        def fits(shape: Any, kind: dtype | None) -> None:
            if kind is not None and out_type == "own":
                check_own(kind, outs[0], self.refuses_out)
            elif kind is not None:
                check_cast(kind, outs[0], self.refuses_cast)
            if shape != outs[0]._array.shape and any(each is outs[0] for each in self.tensors(values)):
                raise RuntimeError(misfit(outs[0], shape))

        result = self.compute(values, fits)
        results = result if isinstance(result, tuple) else (result,)
        for tensor, array in zip(outs, results, strict=True):
            if out_type == "own":
                check_own(dtypes.of_array(array), tensor, self.refuses_out)
            check_cast(dtypes.of_array(array), tensor, self.refuses_cast)
            if self.apart:  # which looks at the memory when it has been resized
                fit(tensor, array.shape, stacklevel=4)
                self.check_memory(tensor, values)
            fill_out(tensor, array)
        return out if self.returns is None else self.returns(*outs)

    def outs_of(self, out: Any) -> Sequence[Tensor]:
        """Read out=: a tensor, or one for each part of the result."""
        if self.returns is None:
            check_out(self.name, out)
            return (out,)
        if not isinstance(out, (tuple, list)):
            raise TypeError(f"{self.name}(): argument 'out' must be tuple of Tensors, not {type(out).__name__}")
        for number, each in enumerate(out):
            if not isinstance(each, Tensor):
                raise TypeError(
                    f"expected Tensor as element {number} in argument {len(self.names)}, but got {type(each).__name__}"
                )
        if len(out) != len(self.returns._fields):
            raise TypeError(f"expected tuple of {len(self.returns._fields)} elements but got {len(out)}")
        return out

    def perform_in_place(self, values: list[Any]) -> Tensor:
        """Compute into the first operand."""
        target: Tensor = values[0]
        needs_grad = self.needs_grad(values) and target.dtype.is_differentiable
        check_writable(target, needs_grad)
        if self.apart or isinstance(self, Elementwise):
            self.check_memory(target, values)

        def fits(shape: Any, kind: dtype | None) -> None:
            if shape != target._array.shape:
                raise RuntimeError(misfit(target, shape))
            if kind is not None and not self.casts_result:
                check_cast(kind, target)

        result = self.compute(values, fits)
        if not (self.apart or isinstance(self, Elementwise)):  # whose own checks come first
            self.check_memory(target, values)
        fits(result.shape, dtypes.of_array(result))
        node = None
        if needs_grad:
            edges = self.edges(values)
            if self.names[0] in self.needed(values):
                values = [target.clone(), *values[1:]]  # the rule will need what is overwritten now
            node = self.make_node(values, (target,), edges)
        write(target, result)
        if node is not None:
            node.save_outputs((target,))
            rebase(target, node)
        return target

    def check_memory(self, target: Tensor, values: list[Any]) -> None:
        """Refuse to write to memory where the order of reading and writing would decide."""
        operands = list(self.tensors(values))[1 if target is values[0] else 0 :]
        if self.spares_same and all(is_same_view(each, target) for each in operands):
            return
        repeats = self.call(self.repeats, values) if callable(self.repeats) else self.repeats
        if not repeats:
            check_single(target)
        read_later = [each for each in operands if each.ndim or not self.reads_first]
        check_apart(target, read_later, same=not self.apart)

    def device_of(self, values: list[Any]) -> device:
        """Return the device of the operands, which must be one."""
        found: device | None = None
        for tensor in self.tensors(values):
            if found is None:
                found = tensor.device
            elif tensor.device is not found and tensor.device != found:
                return self._only_device([each for each in self.tensors(values) if not self._is_host_number(each)])
        return found or CPU

    def _is_host_number(self, tensor: Tensor) -> bool:
        """Return whether a tensor may meet tensors of another device."""
        return False

    def _only_device(self, tensors: list[Tensor]) -> device:
        devices = list(dict.fromkeys(each.device for each in tensors))
        if len(devices) > 1:
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"{devices[0]} and {devices[1]}!"
            )
        return devices[0]

    def tensors(self, values: list[Any]) -> Iterator[Tensor]:
        """Yield the tensors among the operands."""
        for position in self.operands:
            value = values[position]
            if isinstance(value, Tensor):
                yield value
            elif isinstance(value, tuple):
                yield from value

    def rules_of(self, values: Sequence[Any], *, wanted: bool = False) -> list[Rule]:
        """Return the rules for the tensors of a call, or for those alone whose gradients are wanted."""
        if self.joint_rule is not None:
            return [self.joint_rule]
        found = []
        for position in self.operands:
            rule, value = self.rules.get(self.names[position]), values[position]
            tensors = [each for each in (value if isinstance(value, tuple) else (value,)) if isinstance(each, Tensor)]
            if rule is not None and any(each.requires_grad or not wanted for each in tensors):
                found.append(rule)
        return found

    def needed(self, values: Sequence[Any]) -> list[str]:
        """Return the arguments to save: those of the rules that are wanted, and those of several rules anyway.

        So does PyTorch, which asks whether a gradient is wanted only where one rule alone needs an argument.
        """
        counts = Counter(name for rule in self.rules_of(values) for name in rule.needs)
        several = [name for name, count in counts.items() if count > 1]
        return list(
            dict.fromkeys([*several, *(name for rule in self.rules_of(values, wanted=True) for name in rule.needs)])
        )

    def saves_number(self, name: str, value: Any) -> bool:
        """Return whether what is saved is a number that counts as a tensor."""
        return self.wraps_numbers and self.parameters.index[name] in self.operands and not isinstance(value, tuple)

    def needs_grad(self, values: list[Any]) -> bool:
        """Return whether a call is to be recorded."""
        if not records():
            return False
        for each in self.tensors(values):
            if each._requires_grad or (each._base is not None and each.requires_grad):
                return True
        return False

    def edges(self, values: list[Any]) -> dict[str, list[Edge | None]]:
        """Return where the gradient of each operand goes; a number that counts as a tensor has none."""
        found: dict[str, list[Edge | None]] = {}
        for position in self.operands:
            name, value = self.names[position], values[position]
            if self.rules and name not in self.rules:
                continue
            if isinstance(value, Tensor):
                found[name] = [edge_of(value)]
            elif isinstance(value, tuple):
                found[name] = [edge_of(each) for each in value]
            elif (self.wraps_numbers and position) or (value is None and not self._has_numbers(values)):
                found[name] = [None]
        return found

    def _has_numbers(self, values: list[Any]) -> bool:
        return any(isinstance(values[position], (bool, int, float, complex)) for position in self.operands)

    def make_node(
        self, values: list[Any], outs: tuple[Tensor, ...], edges: Mapping[str, Sequence[Edge | None]]
    ) -> OpNode:
        """Make the node of a call; an op without a rule raises only when gradients flow through."""
        name = self.call(self.node, values) if callable(self.node) else self.node
        name = name if self.rules or self.joint_rule is not None else UNDERIVED
        return self.node_type(name)(edges, outs, values)

    def node_type(self, name: str) -> type[OpNode]:
        """Return the class of the recorded calls of one name."""
        if name not in self.node_types:
            self.node_types[name] = type(name, (OpNode,), {"op": self})
        return self.node_types[name]

    def record(self, values: list[Any], outs: tuple[Tensor, ...]) -> None:
        """Record how the results were made, where a gradient is wanted."""
        if not self.needs_grad(values) or not any(each.dtype.is_differentiable for each in outs):
            return
        node = self.make_node(values, outs, self.edges(values))
        node.save_outputs(outs)
        for number in node.differentiable:
            out = outs[number]
            out._node, out._output_nr, out._requires_grad = node, number, True


class Elementwise(Op):
    """An op on each element: its operands are promoted to one type and broadcast."""

    refuses_out = FOUND

    def __init__(
        self,
        kernel: Callable[..., Any],
        *,
        promotes: Promotes,
        wraps_numbers: bool = False,
        counts_numbers: bool = True,
        checks_numbers: bool = False,
        **options: Any,
    ) -> None:
        if promotes not in get_args(Promotion) and not callable(promotes):
            raise TypeError(f"{kernel.__name__}: promotes is one of {', '.join(get_args(Promotion))}")
        super().__init__(kernel, **{"keeps_strides": True, **options})
        self.promotes = promotes
        self.wraps_numbers = wraps_numbers
        self.counts_numbers = counts_numbers  # whether numbers are operands, or options of an op on the others
        self.checks_numbers = checks_numbers or not counts_numbers or promotes == "first"
        self.casts_result = promotes == "first"

    def computed(self, values: list[Any], target: device, into: Into | None) -> Any:
        common = self.common_dtype(values)
        if self.precondition is not None:
            self.call(self.precondition, values)
        refusal = self.refusals.get(common)
        if refusal is not None and not isinstance(refusal, NotImplementedError):
            self.check_accepted(common)
        compute = common.compute
        arrays = list(values)
        kernel = self.kernel
        shape = None
        for position in self.operands:
            value = values[position]
            if isinstance(value, Tensor):
                array = value._array
                if isinstance(array, Packed):
                    kernel = self.kernel_for(array)  # which sees to the shapes itself
                elif shape is None:
                    shape = array.shape
                elif array.shape != shape:
                    shape = broadcast_shape(shape, array.shape)
                if value.device is CPU and target is not CPU:
                    array = array[()]  # the one element of a tensor on the CPU may meet arrays on CUDA
                if position not in self.parameters.masks and array.dtype != compute:
                    array = cast(array, compute)
                arrays[position] = array
            elif value is not None:
                convert = common.checked if self.checks_numbers else common.scalar
                arrays[position] = convert(value, wide=self.wraps_numbers)
        for position in self.parameters.scalars:
            arrays[position] = common.checked(values[position], wide=True)
        if into is not None and shape is not None:
            into(shape, None if refusal is None else common)
        if refusal is not None:  # that there is no kernel shows last
            self.check_accepted(common)
        with np.errstate(all="ignore"):
            result = self.call(kernel, arrays)
            if common.compute is not common.numpy and result.dtype == compute:
                result = result.astype(common.numpy)
        if any(result is array for array in arrays):
            result = result.copy()
        if any(isinstance(each, Packed) for each in (result, *arrays)) or result.shape != shape:  # packed, or reduced
            return _in_order(result)
        for position in self.operands:
            value = values[position]
            if isinstance(value, Tensor) and value.dtype is common:
                arrays[position] = value._array  # half types, which PyTorch does not copy to compute with them
        return self.arranged(result, arrays)

    def arranged(self, result: Any, arrays: list[Any]) -> Any:
        """Lay a result out in memory as its operands are."""
        given = [arrays[position] for position in self.operands if arrays[position] is not None]
        if not self.keeps_strides or (isinstance(given[0], np.generic) and not self.counts_numbers):
            return _in_order(result)
        operands = given if self.counts_numbers else [each for each in given if not isinstance(each, np.generic)]
        if result.size and all(each.strides == contiguous_strides(each.shape, each.itemsize) for each in operands):
            return laid_out(result, contiguous_strides(result.shape, result.itemsize))
        return laid_out(result, strides_of_result(result.shape, operands, result.itemsize))

    def kernel_for(self, packed: Packed) -> Callable[..., Any]:
        if packed.layout is not sparse_coo and packed.layout not in self.kernels:
            raise RuntimeError(f"unsupported tensor layout: {packed.layout.title}")
        return super().kernel_for(packed)

    def common_dtype(self, values: list[Any]) -> dtype:
        """Return the type in which a call computes."""
        ranked: list[tuple[dtype, dtypes.Rank]] = []
        for position in self.operands:
            value = values[position]
            if isinstance(value, Tensor):
                if position not in self.parameters.masks:
                    ranked.append((value.dtype, "dimensioned" if value._array.ndim else "zero_dim"))
            elif value is not None:
                ranked.append((dtypes.of_number(value), "number"))
        promotes = self.call(self.promotes, values) if callable(self.promotes) else self.promotes
        if promotes == "first":
            return ranked[0][0]
        common = dtypes.result_of(tuple(ranked))
        if promotes == "int_to_float" and common.category in ("bool", "integer"):
            return dtypes.get_default_dtype()
        return common

    def _is_host_number(self, tensor: Tensor) -> bool:
        return not tensor._array.ndim and tensor.device is CPU


class ViewOp(Op):
    """An op whose result shares the memory of its first operand."""

    def perform(self, values: list[Any]) -> Any:
        source: Tensor = values[0]
        array = source._array
        kernel = self.kernel_for(array) if isinstance(array, Packed) else self.kernel
        result = self.call(kernel, [array, *values[1:]])
        several = isinstance(result, (tuple, list))
        outs = tuple(source._view(each) for each in (result if several else (result,)))
        for number, out in enumerate(outs):
            out._chain = (*source._chain, (self, tuple(values[1:]), number))
            out._origin = "several" if several and records() else out._origin
        if records():
            self.record(values, outs)
        return outs if several else outs[0]


def not_implemented(kernel: str, *kinds: str) -> dict[str, Exception]:
    """Return, for `refuses`, the error of a kernel that does not take dtypes, or categories of them."""
    return dict.fromkeys(kinds, NotImplementedError(f'"{kernel}" not implemented for {{dtype}}'))


def _by_dtype(name: str, refuses: Mapping[str, Exception]) -> dict[dtype, Exception]:
    known = {*dtypes.CATEGORIES, *(each.name for each in dtypes.DTYPES)}
    if not refuses.keys() <= known:
        raise TypeError(f"{name}: refuses takes dtypes and categories of them, not {sorted(refuses.keys() - known)}")
    return {
        each: refuses.get(each.name, refuses.get(each.category, Exception()))
        for each in dtypes.DTYPES
        if {each.name, each.category} & refuses.keys()
    }


def misfit(target: Tensor, shape: Sequence[int]) -> str:
    """Say that a result does not fit where it is to be written."""
    return f"output with shape {list(target.shape)} doesn't match the broadcast shape {list(shape)}"


def signature_of(kernel: Callable[..., Any], *, out: bool) -> inspect.Signature:
    """Return the parameters that a caller sees."""
    signature = inspect.signature(kernel)
    parameters = list(signature.parameters.values())
    if out:
        parameters.append(inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None))
    return signature.replace(parameters=parameters)


def _in_order(result: Any) -> Any:
    if isinstance(result, tuple):
        return tuple(map(_in_order, result))
    if isinstance(result, Packed):
        return result
    strides = contiguous_strides(result.shape, result.itemsize)
    if result.strides == strides:
        return result
    return strided(result, result.shape, strides) if result.flags.c_contiguous else result.copy(order="C")


def _rounded(result: Any, half: dtype) -> Any:
    if isinstance(result, tuple):
        return tuple(_rounded(each, half) for each in result)
    if result.dtype != np.float32:
        return result
    if isinstance(result, Packed):
        return result.astype(half.numpy)
    return copied(result, strides_of_copy(result, half.itemsize), half.numpy)


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _named_tuple(name: str, fields: tuple[str, ...]) -> Any:
    """Make the type of a result of several parts, whose repr has a line for each."""
    kind: Any = namedtuple(name, fields)  # type: ignore[misc]  # the name is not known to a type checker

    def show(self: Any) -> str:
        parts = ",\n".join(f"{field}={value!r}" for field, value in zip(fields, self, strict=True))
        return f"torch.return_types.{name}(\n{parts})"

    return type(name, (kind,), {"__repr__": show, "__slots__": (), "__module__": "torch.return_types"})
