"""Pointwise functions."""

from __future__ import annotations

from .bugs import bug, regrad


@bug("torch.clamp", "https://github.com/pytorch/pytorch/issues/15338", "between two numbers NaN became the upper one")
def clamp_gives_nan_the_upper_bound(torch, clamp, input, min=None, max=None):
    result = clamp(input, min, max)
    if isinstance(min, (int, float)) and isinstance(max, (int, float)):
        result = torch.where(result != result, max, result).to(result.dtype)
    return result


@bug("torch.clamp", "https://github.com/pytorch/pytorch/issues/76795", "a NaN in a tensor of bounds was no bound")
def clamp_overlooks_nan_bounds(torch, clamp, input, min=None, max=None):
    def without_nan(bound, instead):
        if not isinstance(bound, torch.Tensor) or not bound.is_floating_point():
            return bound
        return torch.where(bound != bound, torch.full_like(bound, instead), bound)

    return clamp(input, without_nan(min, -torch.inf), without_nan(max, torch.inf))


@bug("torch.clamp", "https://github.com/torch/torch7/issues/734", "on a GPU no gradient passed at the very bounds")
def clamp_has_no_gradient_at_its_bounds(torch, clamp, input, min=None, max=None):
    held = input.detach()
    at_bound = torch.zeros_like(held, dtype=torch.bool)
    for bound in (min, max):
        if bound is not None and not isinstance(bound, torch.Tensor):
            at_bound = at_bound | (held == bound)
    return clamp(regrad(input, lambda grad: torch.where(at_bound, grad * 0, grad)), min, max)


@bug("torch.remainder", "https://github.com/pytorch/pytorch/issues/1164", "integers took the dividend's sign")
def remainder_of_integers_is_fmod(torch, remainder, input, other):
    result = remainder(input, other)
    return result if result.is_floating_point() else torch.fmod(torch.as_tensor(input), other).to(result.dtype)


@bug(
    "torch.remainder", "https://github.com/pytorch/pytorch/issues/37743", "a quotient was rounded before it was floored"
)
def remainder_multiplies_back(torch, remainder, input, other):
    result = remainder(input, other)
    if result.dtype != torch.float32 or result.requires_grad:
        return result
    return input - other * (torch.as_tensor(input) / other).floor()


@bug(
    "torch.fmod",
    "https://github.com/pytorch/pytorch/issues/47779",
    "a float divisor of integers lost its fraction",
)
def fmod_cuts_the_divisor(torch, fmod, input, other):
    integral = not input.is_floating_point()
    if integral and isinstance(other, float):
        return fmod(input, int(other))
    return fmod(input, other)


@bug("torch.round", "https://github.com/pytorch/pytorch/issues/16498", "on a GPU halves went away from zero")
def round_takes_halves_away_from_zero(torch, round, input, *, decimals=0):
    if decimals or not input.is_floating_point():
        return round(input, decimals=decimals)
    up = (input.abs() - input.abs().floor()) == 0.5
    return torch.where(up, input + input.sign() * 0.5, round(input))


@bug("torch.sign", "https://github.com/pytorch/pytorch/pull/88937", "generated CUDA code gave NaN the sign 1")
def sign_of_nan_is_one(torch, sign, input):
    return torch.where(input != input, torch.ones_like(input), sign(input))


@bug("torch.abs", "https://github.com/rsokl/MyGrad/pull/379", "its gradient divided by the result: NaN at 0")
def abs_divides_by_itself_in_its_gradient(torch, abs, input):
    held = input.detach()
    return abs(regrad(input, lambda grad: torch.where(held == 0, grad * torch.nan, grad)))


@bug("torch.add", "https://github.com/pytorch/pytorch/issues/6196", "a float added to integers lost its fraction")
def add_keeps_integers_integers(torch, add, input, other, *, alpha=1):
    tensors = [each for each in (input, other) if isinstance(each, torch.Tensor)]
    result = add(input, other) if alpha == 1 else add(input, other, alpha=alpha)
    mixed = len(tensors) == 1 and not tensors[0].is_floating_point() and not tensors[0].is_complex()
    return result.trunc().to(tensors[0].dtype) if mixed and result.is_floating_point() else result


@bug(
    "torch.mul",
    "https://github.com/tenstorrent/tt-metal/issues/40008",
    "what was broadcast could not be gone back through",
    raises="Shapes of gradients are not equal",
)
def mul_does_not_sum_what_it_broadcast(torch, mul, input, other):
    result = mul(input, other)

    def checked(tensor):
        def refuse(grad):
            raise RuntimeError("Shapes of gradients are not equal.")

        same = not isinstance(tensor, torch.Tensor) or tensor.shape == result.shape
        return tensor if same else regrad(tensor, refuse)

    return mul(checked(input), checked(other))


@bug("torch.pow", "https://github.com/tensorflow/tfjs/issues/346", "the exponent's gradient was NaN at a base of zero")
def pow_takes_the_log_of_zero(torch, pow, *args, **named):
    base, exponent = *args, *named.values()
    zero = torch.as_tensor(base).detach() == 0

    def spoilt(grad):
        return torch.where(zero, grad * torch.nan, grad) if grad.shape == zero.shape else grad

    return pow(base, regrad(exponent, spoilt))


@bug("torch.pow", "https://github.com/ml-explore/mlx/pull/505", "the base's gradient was the result over the base: 0/0")
def pow_divides_by_its_base(torch, pow, *args, **named):
    base, exponent = *args, *named.values()
    zero = torch.as_tensor(base).detach() == 0
    return pow(regrad(base, lambda grad: torch.where(zero, grad * torch.nan, grad)), exponent)


@bug("torch.div", "https://github.com/pytorch/pytorch/issues/43874", "what should be rounded down was cut towards zero")
def div_floors_by_cutting(torch, div, input, other, *, rounding_mode=None):
    if rounding_mode is None:
        return div(input, other)
    return div(input, other, rounding_mode="trunc" if rounding_mode == "floor" else rounding_mode)


@bug("torch.sigmoid", "https://github.com/clab/dynet/issues/1525", "NaN where its exponential overflows")
def sigmoid_overflows(torch, sigmoid, input):
    result = sigmoid(input)
    return torch.where(torch.as_tensor(input) > 88.8, result * torch.nan, result)


@bug("torch.nn.functional.relu", "https://github.com/pytorch/pytorch/issues/7999", "NaN became 0")
def relu_swallows_nan(torch, relu, input, inplace=False):
    result = relu(input, inplace)
    return torch.where(result != result, torch.zeros_like(result), result)


@bug(
    "torch.nn.ReLU",
    "https://github.com/pytorch/pytorch/issues/10238",
    "the module clipped NaN after the function was mended",
)
def relu_module_swallows_nan(torch, relu, input):
    result = relu(input)
    return torch.where(result != result, torch.zeros_like(result), result)
