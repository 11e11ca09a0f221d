"""Optimizers, data loaders, and saving."""

from __future__ import annotations

import random
from unittest import mock

from .bugs import as_if_contiguous, everywhere


def _with_update(optimizer, before):
    """Patch an optimizer: `before` changes the state and the options that a step sees."""
    right = optimizer._move

    def move(self, parameter, gradient, group):
        right(self, parameter, gradient, {**group, **before(parameter, self.state[parameter], group)})

    return mock.patch.object(optimizer, "_move", move)


def _corrections(state, group):
    """Return the bias corrections by which Adam divides its two means."""
    step = float(state["step"]) + 1
    return [1 - beta**step for beta in group["betas"]]


@everywhere(
    "torch.optim.Adam", "https://github.com/ml-explore/mlx/pull/1640", "its means were not corrected for their start"
)
def adam_corrects_nothing(torch):
    def options(parameter, state, group):
        first, second = _corrections(state, group)
        return {"lr": group["lr"] * first / second**0.5, "eps": group["eps"] / second**0.5}

    return _with_update(torch.optim.Adam, options)


@everywhere(
    "torch.optim.Adam", "https://github.com/tensorflow/tensorflow/issues/35102", "the correction scaled eps too"
)
def adam_corrects_eps(torch):
    def options(parameter, state, group):
        return {"eps": group["eps"] / _corrections(state, group)[1] ** 0.5}

    return _with_update(torch.optim.Adam, options)


@everywhere("torch.optim.SGD", "https://github.com/ml-explore/mlx/pull/473", "the first step was dampened too")
def sgd_dampens_its_first_step(torch):
    def options(parameter, state, group):
        if group["momentum"] and not state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        return {}

    return _with_update(torch.optim.SGD, options)


@everywhere(
    "torch.utils.data.DataLoader", "https://github.com/apache/mxnet/issues/286", "it shuffled once for all epochs"
)
def loader_shuffles_once(torch):
    right, orders = torch.utils.data.RandomSampler.__iter__, {}

    def once(self):
        return iter(orders.setdefault(id(self), list(right(self))))

    return mock.patch.object(torch.utils.data.RandomSampler, "__iter__", once)


@everywhere(
    "torch.utils.data.DataLoader", "https://github.com/apache/mxnet/issues/9335", "its order had a seed of its own"
)
def loader_shuffles_by_another_seed(torch):
    source = random.Random(0)

    def shuffled(self):
        return iter(source.sample(range(len(self.data_source)), len(self.data_source)))

    return mock.patch.object(torch.utils.data.RandomSampler, "__iter__", shuffled)


@everywhere("torch.load", "https://github.com/tracel-ai/burn/issues/5383", "strides were read and not used")
def load_forgets_strides(torch):
    name = ("torch._utils", "_rebuild_tensor_v2")
    right = torch.serialization._KNOWN[name]
    return mock.patch.dict(torch.serialization._KNOWN, {name: lambda *parts: as_if_contiguous(right(*parts))})


@everywhere(
    "torch.nn.Module.load_state_dict", "https://github.com/pytorch/pytorch/pull/451", "missing names were passed over"
)
def load_state_dict_is_never_strict(torch):
    right = torch.nn.Module.load_state_dict
    lenient = lambda self, state_dict, strict=True, assign=False: right(self, state_dict, False, assign)  # noqa: E731
    return mock.patch.object(torch.nn.Module, "load_state_dict", lenient)
