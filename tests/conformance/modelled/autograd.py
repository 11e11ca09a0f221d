"""The backward pass, and modes that record no graph."""

from __future__ import annotations

from functools import wraps
from unittest import mock

from .bugs import everywhere


@everywhere("torch.no_grad", "https://github.com/pytorch/pytorch/issues/10858", "as a decorator it left gradients on")
def no_grad_as_a_decorator_turns_gradients_on(torch):
    def decorated(self, function):
        @wraps(function)
        def inner(*args, **named):
            with self:
                result = function(*args, **named)
            torch.set_grad_enabled(True)
            return result

        return inner

    return mock.patch.object(torch.no_grad, "__call__", decorated)


@everywhere(
    "torch.Tensor.backward", "https://github.com/Oneflow-Inc/oneflow/pull/8575", "it did not add to what was there"
)
def backward_overwrites_gradients(torch):
    right = torch.core.engine.AccumulateGrad.__call__

    def accumulate(self, grads, wanted):
        self.variable.grad = None
        return right(self, grads, wanted)

    return mock.patch.object(torch.core.engine.AccumulateGrad, "__call__", accumulate)


@everywhere(
    "torch.Tensor.backward",
    "https://github.com/karpathy/micrograd/pull/102",
    "gradients in between added up over calls",
)
def backward_keeps_the_gradients_in_between(torch):
    right = torch.core.recording.OpNode.__call__

    def call(self, grads, wanted):
        before = getattr(self, "before", [None] * len(grads))
        self.before = [new if old is None else new + old for new, old in zip(grads, before, strict=True)]
        return right(self, self.before, wanted)

    return mock.patch.object(torch.core.recording.OpNode, "__call__", call)


@everywhere(
    "torch.autograd.grad", "https://github.com/Oneflow-Inc/oneflow/issues/9390", "it returned what was in .grad too"
)
def grad_adds_what_stands_in_grad(torch):
    right = torch.autograd.grad

    def grad(outputs, inputs, *args, **named):
        listed = [inputs] if isinstance(inputs, torch.Tensor) else inputs
        found = right(outputs, inputs, *args, **named)
        return tuple(
            new if new is None or each.grad is None else new + each.grad
            for new, each in zip(found, listed, strict=True)
        )

    return mock.patch.object(torch.autograd, "grad", grad)
