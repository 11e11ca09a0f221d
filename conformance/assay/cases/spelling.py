"""Cases in words: a call on one line, and a program that a person can paste."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from assay.cases.case import Case, TensorValue
from assay_spec.domains import Dtype
from assay_spec.plans import Slice

_LONG: Final = 64  # elements beyond which a tensor is described, not written out
_SIGNS: Final = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "remainder": "%", "matmul": "@"}
_SIGNS_COMPARE: Final = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def one_line(case: Case) -> str:
    """Write a case as one line, tensors by dtype and shape."""
    match case:
        case Call():
            return _called(case, {name: _brief(value) for name, value in case.arguments.items()})
        case Program():
            return f"{case.op}: {case.name}"
        case Schedule():
            return f"{case.op}({_options(case.options)}), {case.steps} steps from lr={case.lr}"
        case Optimization():
            return f"{case.op}({_options(case.options)}), {len(case.gradients)} steps"


def program(case: Case, module: str = "torch") -> str:
    """Write a case as a few lines of Python in PyTorch's words."""
    head = "import torch" if module == "torch" else f"import {module} as torch"
    match case:
        case Call():
            return "\n".join([head, *_lines(case)])
        case Program():
            looked_at = [f"print({each})" for each in case.expressions]
            return "\n".join([head, case.run.rstrip(), *looked_at])
        case Schedule():
            return "\n".join(
                [
                    head,
                    f"optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr={case.lr})",
                    f"scheduler = {case.op}(optimizer, {_options(case.options)})",
                    f"for _ in range({case.steps}):",
                    "    optimizer.step(); scheduler.step(); print(optimizer.param_groups[0]['lr'])",
                ]
            )
        case Optimization():
            return "\n".join([head, *_optimizer_lines(case)])


def _lines(case: Call) -> Iterator[str]:
    words: dict[str, str] = {}
    for name, value in case.arguments.items():
        if isinstance(value, TensorValue):
            variable = "x" if name in ("input", "self") else name
            yield f"{variable} = {tensor(value)}"
            words[name] = variable
        else:
            words[name] = literal(value)
    if case.seed is not None:
        yield f"torch.manual_seed({case.seed})"
    if case.module is not None:
        options = _options(case.module.arguments)
        yield f"module = {case.op}({options}).train({case.module.training})"
        if case.module.state:
            state = ", ".join(f"{name!r}: {tensor(value)}" for name, value in case.module.state.items())
            yield f"module.load_state_dict({{{state}}})"
    called = _called(case, words)
    if not case.wrt:
        yield f"print({called})"
        return
    yield f"y = {called}"
    outputs = [f"y[{place}]" if len(case.upstream) > 1 or place else "y" for place in case.upstream]
    yield f"torch.autograd.backward([{', '.join(outputs)}], [{', '.join(map(tensor, case.upstream.values()))}])"
    for name in case.wrt:
        owner, _, place = name.partition(".")
        if owner in case.arguments:
            yield f"print({words[owner]}{f'[{place}]' if place else ''}.grad)"
        else:
            yield f"print(dict(module.named_parameters())[{name!r}].grad)"


def _called(case: Call, words: dict[str, str]) -> str:
    short = case.op.rsplit(".", 1)[-1]
    names = list(words)
    if case.module is not None:
        return f"module({_passed(case, words, names)})"
    match case.form:
        case "operator" | "in-place operator" | "reflected":
            sign = _SIGNS.get(short) or _SIGNS_COMPARE.get(short, short)
            equals = "=" if case.form == "in-place operator" else ""
            return f" {sign}{equals} ".join(words[name] for name in names)
        case "method" | "in-place":
            owner, *rest = names
            if short == "__getitem__":
                return f"{words[owner]}[{words[rest[0]]}]"
            suffix = "_" if case.form == "in-place" else ""
            return f"{words[owner]}.{short}{suffix}({_passed(case, words, rest)})"
    return f"{case.op}({_passed(case, words, names)})"


def _passed(case: Call, words: dict[str, str], names: list[str]) -> str:
    return ", ".join(
        f"*{words[name]}"
        if name == case.spread
        else words[name]
        if name in case.positional
        else f"{name}={words[name]}"
        for name in names
    )


def _options(options: Any) -> str:
    return ", ".join(f"{name}={literal(value)}" for name, value in options.items())


def _optimizer_lines(case: Optimization) -> Iterator[str]:
    names = []
    groups = []
    for place, (options, values) in enumerate(case.groups):
        mine = [f"p{place}{at}" for at in range(len(values))]
        for name, value in zip(mine, values, strict=True):
            yield f"{name} = {tensor(value)}.requires_grad_()"
        names += mine
        extra = "".join(f", {key!r}: {literal(value)}" for key, value in options.items())
        groups.append(f"{{'params': [{', '.join(mine)}]{extra}}}")
    yield f"optimizer = {case.op}([{', '.join(groups)}], {_options(case.options)})"
    for step in case.gradients:
        for name, gradient in zip(names, step, strict=True):
            yield f"{name}.grad = {'None' if gradient is None else tensor(gradient)}"
        yield f"optimizer.step(); print({', '.join(names)})"


def tensor(value: TensorValue) -> str:
    """Write a tensor as a call that makes it, strides and all."""
    dtype = f"dtype=torch.{value.dtype}"
    grad = ", requires_grad=True" if value.requires_grad else ""
    if value.is_contiguous and value.buffer.size == int(np.prod(value.shape)):
        if value.buffer.size > _LONG:
            return f"torch.rand({value.shape}).to(torch.{value.dtype})  # {value.buffer.size} elements, shortened"
        if value.buffer.size == 0:
            return f"torch.empty({value.shape}, {dtype}{grad})"
        return f"torch.tensor({numbers(value.array())}, {dtype}{grad})"
    if value.buffer.size > 4 * _LONG:
        return f"torch.rand({value.shape}).to(torch.{value.dtype})  # strides {value.strides}, shortened"
    flat = f"torch.tensor({numbers(value.buffer)}, {dtype})"
    made = f"{flat}.as_strided({value.shape}, {value.strides}, {value.offset})"
    return made + (".requires_grad_()" if value.requires_grad else "")


def numbers(array: Any) -> str:
    """Write an array's elements as nested lists that Python reads back."""
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
    """Write an argument that is no tensor."""
    if isinstance(value, TensorValue):
        return tensor(value)
    if isinstance(value, Dtype):
        return f"torch.{value}"
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
