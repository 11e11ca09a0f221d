"""Training, data, distributions and images, fourth round."""

from __future__ import annotations

import importlib
import math
from itertools import islice
from unittest import mock

from .bugs import chosen
from .training import _with_update


@chosen(everywhere=True)
def adamw_decays_the_update_too(torch):
    optimizer = torch.optim.AdamW
    right = optimizer._move

    def move(self, parameter, gradient, group):
        right(self, parameter, gradient, {**group, "weight_decay": 0})
        if group["weight_decay"]:
            parameter.mul_(1 - group["lr"] * group["weight_decay"])

    return mock.patch.object(optimizer, "_move", move)


@chosen(everywhere=True)
def adagrad_keeps_its_learning_rate(torch):
    return _with_update(torch.optim.Adagrad, lambda parameter, state, group: {"lr_decay": 0})


@chosen(everywhere=True)
def rprop_moves_by_the_step_before(torch):
    optimizer, waiting = torch.optim.Rprop, {}
    right = optimizer._move

    def move(self, parameter, gradient, group):
        before = parameter.detach().clone()
        right(self, parameter, gradient, group)
        moved = parameter.detach() - before
        step = torch.where(moved == 0, moved, waiting.get(id(parameter), moved * 0))
        waiting[id(parameter)] = moved
        parameter.copy_(before + step)

    return mock.patch.object(optimizer, "_move", move)


@chosen(everywhere=True)
def cosine_annealing_moves_when_it_resumes(torch):
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR
    right = scheduler.get_lr

    def get_lr(self):
        if not self._is_initial or self.last_epoch <= 0:
            return right(self)
        kept = self._step_count
        self._step_count, self._is_initial = 2, False
        try:
            return right(self)
        finally:
            self._step_count, self._is_initial = kept, True

    return mock.patch.object(scheduler, "get_lr", get_lr)


@chosen(everywhere=True)
def plateau_reduces_an_epoch_early(torch):
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau
    right = scheduler.step

    def step(self, metrics, epoch=None):
        kept, self.patience = self.patience, max(self.patience - 1, 0)
        try:
            right(self, metrics, epoch)
        finally:
            self.patience = kept

    return mock.patch.object(scheduler, "step", step)


@chosen()
def clip_grad_norm_divides_by_the_square(
    torch, clip_grad_norm, parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None
):
    each = [parameters] if isinstance(parameters, torch.Tensor) else list(parameters)
    if norm_type != 2 or not each:
        return clip_grad_norm(each, max_norm, norm_type, error_if_nonfinite, foreach)
    total = clip_grad_norm(each, math.inf, norm_type, error_if_nonfinite, foreach)
    torch.nn.utils.clip_grads_with_norm_(each, max_norm, total**2)
    return total


@chosen()
def trunc_normal_scales_its_mean(torch, trunc_normal, tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    trunc_normal(tensor, mean, std, a, b, generator)
    with torch.no_grad():
        return tensor.add_(mean * (std - 1))


@chosen(everywhere=True)
def state_dict_leaves_buffers_out(torch):
    right = torch.nn.Module._save_to_state_dict

    def save(self, destination, prefix, keep_vars):
        right(self, destination, prefix, keep_vars)
        for name in self._buffers:
            destination.pop(prefix + name, None)

    return mock.patch.object(torch.nn.Module, "_save_to_state_dict", save)


@chosen(everywhere=True)
def batch_sampler_yields_an_empty_batch(torch):
    def batches(self):
        indices = iter(self.sampler)
        while batch := list(islice(indices, self.batch_size)):
            yield batch if len(batch) == self.batch_size or not self.drop_last else []

    return mock.patch.object(torch.utils.data.BatchSampler, "__iter__", batches)


@chosen()
def kl_divergence_does_not_halve_a_term(torch, kl_divergence, p, q):
    result = kl_divergence(p, q)
    if not all(isinstance(each, torch.distributions.Normal) for each in (p, q)):
        return result
    return result + ((p.loc - q.loc) / q.scale) ** 2 / 2


@chosen(everywhere=True)
def random_crop_never_takes_the_last_place(torch):
    transforms = importlib.import_module("assay_reference.torchvision.transforms.transforms")

    def placed(rows, columns, height, width):
        return tuple(int(torch.rand(()).item() * room) for room in (rows - height, columns - width))

    return mock.patch.object(transforms, "placed", placed)


@chosen()
def make_grid_normalizes_no_single_image(
    torch, make_grid, tensor, nrow=8, padding=2, normalize=False, value_range=None, scale_each=False, pad_value=0.0
):
    single = isinstance(tensor, torch.Tensor) and tensor.ndim in (2, 3)
    return make_grid(tensor, nrow, padding, normalize and not single, value_range, scale_each, pad_value)
