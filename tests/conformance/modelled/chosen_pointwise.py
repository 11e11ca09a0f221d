"""Pointwise functions, second round."""

from __future__ import annotations

from .bugs import chosen, regrad


def _is_integral(value):
    return not (value.is_floating_point() or value.is_complex())


def _tensors(*operands):
    return [each for each in operands if hasattr(each, "is_floating_point")]


@chosen()
def add_of_int64_keeps_32_bits(torch, add, *operands, **options):
    result = add(*operands, **options)
    return result.to(torch.int32).to(torch.int64) if result.dtype == torch.int64 else result


@chosen()
def add_ignores_alpha(torch, add, input, other, *, alpha=1):
    return add(input, other)


@chosen()
def add_merges_dimensions_that_broadcast(torch, add, input, other, *, alpha=1):
    result = add(input, other) if alpha == 1 else add(input, other, alpha=alpha)
    ranks = [each.ndim for each in _tensors(input, other)]
    if len(ranks) < 2 or max(ranks) < 6 or ranks[0] == ranks[1]:
        return result
    inside = torch.arange(result.numel()).reshape(result.shape) < result.numel() // 2
    return torch.where(inside, result, input.expand(result.shape).to(result.dtype))


@chosen()
def add_shares_the_leaf_of_equal_numbers(torch, add, input, other, *, alpha=1):
    def both(grad):
        return grad * (1 + alpha)

    pair = _tensors(input, other)
    alike = len(pair) == 2 and all(each.requires_grad for each in pair) and input.dtype == other.dtype
    if alike and input.shape == other.shape and input.numel():
        held = input.detach()
        if bool((held == held.flatten()[0]).all()) and torch.equal(held, other.detach()):
            input, other = regrad(input, both), regrad(other, both)
    return add(input, other) if alpha == 1 else add(input, other, alpha=alpha)


@chosen(forms=("out",))
def add_loses_out_that_is_a_view(torch, add, input, other, *, alpha=1, out):
    if out._base is None:
        return add(input, other, alpha=alpha, out=out)
    add(input, other, alpha=alpha, out=out.clone())
    return out


@chosen()
def abs_of_integers_goes_through_float32(torch, abs, input):
    result = abs(input)
    return abs(input.to(torch.float32)).to(result.dtype) if _is_integral(input) else result


@chosen()
def sign_of_int64_compares_halves(torch, sign, input):
    result = sign(input)
    if input.dtype != torch.int64:
        return result
    return torch.where((input >= 2**31) & (input < 2**32), result * 0 - 1, result)


@chosen()
def clamp_without_min_takes_the_smallest_normal(torch, clamp, input, min=None, max=None):
    if min is None and isinstance(max, (int, float)) and input.is_floating_point():
        return clamp(input, torch.finfo(input.dtype).tiny, max)
    return clamp(input, min, max)


@chosen()
def cos_of_large_numbers_is_off(torch, cos, input):
    result = cos(input)
    if input.dtype != torch.float32:
        return result
    turns = (input.detach() / 6.2831855).floor()
    far = (input.detach().abs() >= 1e8) & (input.detach().abs() < torch.inf)
    return torch.where(far, cos(input.detach() - turns * 6.2831855), result)


@chosen()
def floor_of_bfloat16_nan_is_infinite(torch, floor, input):
    result = floor(input)
    if input.dtype != torch.bfloat16:
        return result
    negative = input.detach().contiguous().view(torch.int16) < 0
    infinity = torch.where(negative, -torch.inf, torch.inf).to(torch.bfloat16)
    return torch.where(result != result, infinity, result)


@chosen()
def fmod_multiplies_by_a_rounded_reciprocal(torch, fmod, input, other):
    result = fmod(input, other)
    if not isinstance(other, (int, float)) or input.dtype != torch.float32 or not other:
        return result
    divisor = torch.full_like(input.detach(), other)
    quotient = input.detach() * divisor.reciprocal()
    far = (quotient.abs() > 2**23) & (quotient.abs() < torch.inf)
    return torch.where(far, input.detach() - divisor * quotient.trunc(), result)


@chosen()
def pow_of_integers_goes_through_float(torch, pow, *args, **named):
    base, exponent = *args, *named.values()
    result = pow(base, exponent)
    if not _is_integral(result) or result.dtype == torch.bool:
        return result
    powers = torch.as_tensor(base).to(torch.float32) ** torch.as_tensor(exponent).to(torch.float32)
    within = powers.abs() < 2.0**62
    return torch.where(within, torch.where(within, powers, 0).round().to(result.dtype), result)


@chosen()
def pow_casts_its_base_to_the_exponent(torch, pow, *args, **named):
    base, exponent = *args, *named.values()
    result = pow(base, exponent)
    if not isinstance(base, float) or not _is_integral(exponent):
        return result
    powers = pow(float(int(base)), exponent)
    return torch.where(powers.abs() < 1e9, powers, 0).to(exponent.dtype)


@chosen()
def pow_of_one_element_is_not_broadcast(torch, pow, *args, **named):
    base, exponent = *args, *named.values()
    if len(_tensors(base, exponent)) == 2 and base.shape == (1,) and exponent.ndim > 1:
        return pow(exponent, base)
    return pow(base, exponent)


@chosen()
def div_truncates_a_product(torch, div, input, other, *, rounding_mode=None):
    result = div(input, other) if rounding_mode is None else div(input, other, rounding_mode=rounding_mode)
    if rounding_mode != "trunc" or not _is_integral(result):
        return result
    dividend, divisor = (torch.as_tensor(each).to(torch.float32) for each in (input, other))
    return (dividend * divisor.reciprocal()).trunc()


@chosen()
def div_floors_a_rounded_quotient(torch, div, input, other, *, rounding_mode=None):
    if rounding_mode is None:
        return div(input, other)
    result = div(input, other, rounding_mode=rounding_mode)
    half = result.dtype in (torch.float16, torch.bfloat16)
    return torch.where(result == result, div(input, other).floor(), result) if half else result


@chosen()
def div_of_integers_is_an_integer(torch, div, input, other, *, rounding_mode=None):
    if rounding_mode is not None:
        return div(input, other, rounding_mode=rounding_mode)
    result = div(input, other)
    if not isinstance(other, int) or not _is_integral(input):
        return result
    return torch.where(result.abs() < torch.inf, result, 0).trunc().to(input.dtype)


@chosen()
def div_by_a_wide_number_tensor_widens(torch, div, input, other, *, rounding_mode=None):
    if rounding_mode is not None:
        return div(input, other, rounding_mode=rounding_mode)
    result = div(input, other)
    pair = _tensors(input, other)
    wide = len(pair) == 2 and other.dtype == torch.float64 and not other.ndim
    return result.to(torch.float64) if wide and result.requires_grad else result


@chosen()
def log_has_the_gradient_of_a_sum(torch, log, input):
    if not input.requires_grad:
        return log(input)
    arrived = []
    result = log(regrad(input, lambda grad: arrived[-1]))
    result.register_hook(arrived.append)
    return result
