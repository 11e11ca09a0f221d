"""Hooks of modules: functions that are called before and after forward and backward."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from assay_reference.autograd.function import Function
from assay_reference.core.engine import Node, RemovableHandle
from assay_reference.core.grad_mode import records
from assay_reference.core.tensor import Tensor

Hook = Callable[..., Any]

TWO_KINDS: Final = (
    "Cannot use both regular backward hooks and full backward hooks {where}. Please use only one of them."
)
SILENCED: Final = (
    "{whose} forward hook with ``always_call=True`` raised an exception that was silenced as another error was raised "
    "in forward: {error}"
)
NO_INPUT: Final = (
    "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs require "
    "gradients. See https://docs.pytorch.org/docs/main/generated/"
    "torch.nn.Module.html#torch.nn.Module.register_full_backward_hook for more details."
)
FULL_INSTEAD: Final = "Please use register_full_backward_hook to get the documented behavior."


class Hooks(OrderedDict[int, Hook]):
    """The functions to call on one occasion, in order, and which of them are given more or called whatever happens."""

    def __init__(self, *items: Any) -> None:
        super().__init__(*items)
        self.with_kwargs: set[int] = set()
        self.always: set[int] = set()

    def add(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False, always: bool = False
    ) -> RemovableHandle:
        """Add a function, as the last one or the first."""
        handle = RemovableHandle(self, hook)
        if prepend:
            self.move_to_end(handle.id, last=False)
        if with_kwargs:
            self.with_kwargs.add(handle.id)
        if always:
            self.always.add(handle.id)
        return handle


class BackwardHooks(Hooks):
    """Hooks of the backward pass, which are all full ones or all of the legacy kind."""

    full: bool | None = None

    def add_kind(
        self, hook: Hook, full: bool, where: str = "on a single Module", prepend: bool = False
    ) -> RemovableHandle:
        """Add a function, unless those that are there are of the other kind."""
        if self.full is not None and self.full is not full:
            raise RuntimeError(TWO_KINDS.format(where=where))
        self.full = full
        return self.add(hook, prepend=prepend)


# Those of every module, which come before its own.
FORWARD_PRE: Final = Hooks()
FORWARD: Final = Hooks()
BACKWARD_PRE: Final = Hooks()
BACKWARD: Final = BackwardHooks()


def register_module_forward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call a function before every module's forward."""
    return FORWARD_PRE.add(hook)


def register_module_forward_hook(
    hook: Hook, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call a function after every module's forward."""
    return FORWARD.add(hook, with_kwargs=with_kwargs, always=always_call)


def register_module_full_backward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call a function with the gradients of every module's outputs."""
    return BACKWARD_PRE.add(hook)


def register_module_full_backward_hook(hook: Hook) -> RemovableHandle:
    """Call a function with the gradients of every module's inputs and outputs."""
    return BACKWARD.add_kind(hook, True, "as a global Module hook")


def register_module_backward_hook(hook: Hook) -> RemovableHandle:
    """Call a function with the gradients of the last step of every module."""
    return BACKWARD.add_kind(hook, False, "as a global Module hook")


class Call:
    """One call of a module that has hooks."""

    def __init__(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.module, self.args, self.kwargs = module, args, kwargs
        self.result: Any = None
        self.called: set[int] = set()  # which of the hooks that are always called have been

    def run(self) -> Any:
        """Call forward, with what comes before and after; call some hooks even if that fails."""
        try:
            return self._run()
        except Exception:
            self._after_failure()
            raise

    def _run(self) -> Any:
        own = self.module._backward_hooks
        kinds = {full: [hook for each in (BACKWARD, own) if each.full is full for hook in each.values()]
                 for full in (True, False)}  # fmt: skip
        before = [*BACKWARD_PRE.values(), *self.module._backward_pre_hooks.values()]
        self._before_forward()
        backward = FullBackward(self.module, before, kinds[True]) if before or kinds[True] else None
        if backward is not None:
            self.args = backward.entered(self.args)
        self.result = self.module.forward(*self.args, **self.kwargs)
        for hooks, number, hook in self._forward_hooks():
            self._after_forward(hooks, number, hook)
        if backward is not None:
            self.result = backward.left(self.result)
        if kinds[False]:
            self._hook_last_step(kinds[False])
        return self.result

    def _before_forward(self) -> None:
        for hooks in (FORWARD_PRE, self.module._forward_pre_hooks):
            for number, hook in tuple(hooks.items()):
                if number in hooks.with_kwargs:
                    self._replace_all(hook(self.module, self.args, self.kwargs))
                    continue
                changed = hook(self.module, self.args)
                if changed is not None:
                    self.args = changed if isinstance(changed, tuple) else (changed,)

    def _replace_all(self, changed: Any) -> None:
        if changed is None:
            return
        if not isinstance(changed, tuple) or len(changed) != 2:
            raise RuntimeError(
                f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}."
            )
        self.args, self.kwargs = changed

    def _forward_hooks(self) -> Iterator[tuple[Hooks, int, Hook]]:
        for hooks in (FORWARD, self.module._forward_hooks):
            for number, hook in tuple(hooks.items()):
                yield hooks, number, hook

    def _after_forward(self, hooks: Hooks, number: int, hook: Hook) -> None:
        if number in hooks.always:
            self.called.add(number)
        given = (self.args, self.kwargs) if number in hooks.with_kwargs else (self.args,)
        changed = hook(self.module, *given, self.result)
        if changed is not None:
            self.result = changed

    def _after_failure(self) -> None:
        for hooks, number, hook in self._forward_hooks():
            if number not in hooks.always or number in self.called:
                continue
            try:
                self._after_forward(hooks, number, hook)
            except Exception as error:
                whose = "global module" if hooks is FORWARD else "module"
                warnings.warn(SILENCED.format(whose=whose, error=error), stacklevel=4)

    def _hook_last_step(self, hooks: Sequence[Hook]) -> None:
        """Let legacy hooks see the gradients of the step that made the result."""
        last = self.result
        while not isinstance(last, Tensor):
            named = isinstance(last, dict)
            last = next(each for each in last.values() if isinstance(each, Tensor)) if named else last[0]
        node = last.grad_fn
        if node is None:
            return
        for hook in hooks:
            node.register_hook(lambda inputs, outputs, hook=hook: hook(self.module, inputs, outputs))
        reason = what_is_missing(self.args, self.result, node)
        if reason is not None:
            warnings.warn(reason, FutureWarning, stacklevel=5)


class BackwardHookFunction(Function):
    """A step that changes nothing: where the gradients of several tensors pass by together."""

    @staticmethod
    def forward(ctx: Any, *args: Tensor) -> tuple[Tensor, ...]:
        ctx.mark_non_differentiable(*(each for each in args if not each.requires_grad))
        return args

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, ...]:
        return grad_outputs


class FullBackward:
    """The full backward hooks of one call: gradients of the outputs wait until those of the inputs are known."""

    def __init__(self, module: Any, before: Sequence[Hook], hooks: Sequence[Hook]) -> None:
        self.module, self.before, self.hooks = module, before, hooks
        self.outputs: tuple[Any, ...] | None = None  # the gradients that wait

    def entered(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the arguments of a call, whose gradients are going to be seen."""
        passed, node, self.inputs = passed_by(args)
        self.count = len(args)
        if node is not None:
            node.register_hook(self._give_inputs)
        self.waits = node is not None
        return passed

    def left(self, result: Any) -> Any:
        """Return the result of the call, whose gradients are going to be seen."""
        if not isinstance(result, (Tensor, tuple)):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but received "
                f"{type(result)}",
                stacklevel=5,
            )
        several = result if isinstance(result, tuple) else (result,)
        passed, node, self.results = passed_by(several)
        self.width = len(several)
        if node is not None:
            node.register_hook(self._give_outputs)
        return passed if isinstance(result, tuple) else passed[0]

    def _give_outputs(self, _: Any, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        given = filled(self.results, grads, self.width)
        for hook in self.before:
            changed = hook(self.module, given)
            if changed is None:
                continue
            if len(changed) != self.width:
                raise RuntimeError(
                    f"Backward pre hook returned an invalid number of grad_output, got {len(changed)}, but expected "
                    f"{self.width}"
                )
            given = changed
        self.outputs = given
        if not self.waits:
            self._give_no_inputs()
        return tuple(given[position] for position in self.results)

    def _give_no_inputs(self) -> None:
        """Call the hooks at once: no gradient is ever going to reach the inputs."""
        warnings.warn(NO_INPUT, stacklevel=2)
        for hook in self.hooks:
            changed = hook(self.module, (None,) * self.count, self.outputs)
            if changed is not None and not (isinstance(changed, tuple) and all(each is None for each in changed)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None for "
                    "all gradients."
                )
        self.outputs = None

    def _give_inputs(self, grads: tuple[Any, ...], _: Any) -> tuple[Any, ...] | None:
        if self.outputs is None:  # the backward pass did not come by way of the result
            return None
        given = filled(self.inputs, grads, self.count)
        for hook in self.hooks:
            changed = hook(self.module, given, self.outputs)
            if changed is None:
                continue
            if len(changed) != self.count:
                raise RuntimeError(
                    f"Backward hook returned an invalid number of grad_input, got {len(changed)}, but expected "
                    f"{self.count}"
                )
            given = changed
        self.outputs = None
        return tuple(given[position] for position in self.inputs)


def passed_by(values: tuple[Any, ...]) -> tuple[tuple[Any, ...], Node | None, list[int]]:
    """Let the tensors among the values pass through one step, if any has a gradient; return where they are too."""
    positions = [position for position, each in enumerate(values) if isinstance(each, Tensor)]
    tensors = [values[position] for position in positions]
    if not (records() and any(each.requires_grad for each in tensors)):
        return values, None, positions
    passed = BackwardHookFunction.apply(*tensors)
    new = dict(zip(positions, passed, strict=True))
    every = (new.get(position, each) for position, each in enumerate(values))
    node = next(each.grad_fn for each in passed if each.grad_fn is not None)
    return tuple(every) if type(values) is tuple else type(values)(*every), node, positions


def filled(positions: Sequence[int], values: Sequence[Any], size: int) -> tuple[Any, ...]:
    """Return a tuple of a size with values at some positions, and None elsewhere."""
    given = dict(zip(positions, values, strict=True))
    return tuple(given.get(position) for position in range(size))


def what_is_missing(args: Any, result: Any, node: Node) -> str | None:
    """Say what legacy hooks do not see of a call; None where they see all."""
    for value, place, missing in ((result, "return", "grad_output"), (args, "take as input", "grad_input")):
        several = value if isinstance(value, tuple) else (value,)
        if not all(isinstance(each, Tensor) for each in several):
            return (
                f"Using non-full backward hooks on a Module that does not {place} a single Tensor or a tuple of "
                f"Tensors is deprecated and will be removed in future versions. This hook will be missing some of the "
                f"{missing}. {FULL_INSTEAD}"
            )
    makers = {each.grad_fn for each in (result if isinstance(result, tuple) else (result,))} - {None}
    if len(makers) > 1:
        return (
            "Using a non-full backward hook when outputs are generated by different autograd Nodes is deprecated and "
            f"will be removed in future versions. This hook will be missing some grad_output. {FULL_INSTEAD}"
        )
    if {each.grad_fn for each in args} - {None} != {onward for onward, _ in node.next_functions}:
        return (
            "Using a non-full backward hook when the forward contains multiple autograd Nodes is deprecated and will "
            f"be removed in future versions. This hook will be missing some grad_input. {FULL_INSTEAD}"
        )
    return None
