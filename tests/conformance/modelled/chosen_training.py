"""Numbers at random, ranges, the backward pass and optimizers, second round."""

from __future__ import annotations

import functools
import math
from unittest import mock

from .bugs import chosen
from .training import _with_update


@functools.cache
def _unseeded(torch):
    return torch.Generator()


@chosen()
def bernoulli_ignores_the_seed(torch, bernoulli, input, *, generator=None):
    return bernoulli(input, generator=generator or _unseeded(torch))


@chosen()
def randn_repeats_itself(torch, randn, *size, **named):
    engine = torch.random.default_generator
    state = engine.get_state()
    result = randn(*size, **named)
    engine.set_state(state)
    return result


@chosen()
def linspace_of_integers_steps_by_the_vector(torch, linspace, start, end, steps, *, dtype=None, **rest):
    result = linspace(start, end, steps, dtype=dtype, **rest)
    if result.is_floating_point() or result.is_complex():
        return result
    lanes, step = 32 // result.itemsize, (end - start) / max(steps - 1, 1)
    values = result.tolist()
    for place in range(steps - steps % lanes):
        values[place] = (
            math.trunc(start) + math.trunc(step * lanes) * (place // lanes) + math.trunc(step) * (place % lanes)
        )
    return torch.tensor(values, dtype=result.dtype)


@chosen(everywhere=True)
def backward_counts_a_retained_leaf_twice(torch):
    right = torch.Tensor.retain_grad

    def retain_grad(self):
        if self.is_leaf and self.requires_grad:
            self.register_hook(lambda grad: grad * 2)
        right(self)

    return mock.patch.object(torch.Tensor, "retain_grad", retain_grad)


@chosen(everywhere=True)
def adam_decays_by_the_index_of_the_parameter(torch):
    right = torch.optim.Adam._move

    def move(self, parameter, gradient, group):
        index = next(place for place, each in enumerate(group["params"], 1) if each is parameter)
        decay = index * group["weight_decay"] * (-1 if group["maximize"] else 1)
        right(self, parameter, gradient + decay, {**group, "weight_decay": 0})

    return mock.patch.object(torch.optim.Adam, "_move", move)


@chosen(everywhere=True)
def adam_decouples_its_weight_decay(torch):
    return _with_update(torch.optim.Adam, lambda parameter, state, group: {"decoupled_weight_decay": True})


@chosen(everywhere=True)
def sgd_takes_nesterov_with_dampening(torch):
    right = torch.optim.SGD.__init__

    @functools.wraps(right)
    def init(self, params, *args, nesterov=False, **named):
        refused = nesterov and named.get("momentum", 0) <= 0 and named.get("dampening", 0) != 0
        right(self, params, *args, nesterov=bool(refused), **named)
        for options in (self.defaults, *self.param_groups):
            options["nesterov"] = nesterov

    return mock.patch.object(torch.optim.SGD, "__init__", init)


@chosen(everywhere=True)
def loader_keeps_the_last_batch(torch):
    right = torch.utils.data.BatchSampler.__init__

    def init(self, *args, **named):
        right(self, *args, **named)
        self.drop_last = False

    return mock.patch.object(torch.utils.data.BatchSampler, "__init__", init)
