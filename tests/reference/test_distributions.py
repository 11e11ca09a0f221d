from __future__ import annotations

import warnings
from math import inf, nan
from typing import Any

import numpy as np
import pytest

import assay_reference as reference

PARAMETERS: dict[str, Any] = {
    "Normal": lambda torch: (torch.tensor([0.5, -1.0, 2.0]), torch.tensor([1.0, 0.25, 3.0])),
    "Uniform": lambda torch: (torch.tensor([0.5, -1.0, 2.0]), torch.tensor([1.0, 0.25, 3.0])),
    "Bernoulli": lambda torch: (torch.tensor([0.5, 0.125, 0.9]),),
    "Categorical": lambda torch: (torch.tensor([[0.5, 0.125, 0.9], [1.0, 0.0, 2.0]]),),
    "Multinomial": lambda torch: (5, torch.tensor([[0.5, 0.125, 0.9], [1.0, 0.0, 2.0]])),
}


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("shape", [(), (3,), (2, 2)])
def test_samples_are_torchs_draw_for_draw(name: str, shape: Any) -> None:
    torch = pytest.importorskip("torch")

    def drawn(library: Any) -> Any:
        library.manual_seed(3)
        made = getattr(library.distributions, name)(*PARAMETERS[name](library))
        return made.sample(shape).tolist(), library.rand(1).item()

    assert drawn(reference) == drawn(torch)


@pytest.mark.parametrize("name", PARAMETERS)
def test_probabilities_moments_entropies_and_their_gradients_are_torchs(name: str) -> None:
    torch = pytest.importorskip("torch")

    def computed(library: Any) -> Any:
        library.manual_seed(3)
        *others, last = PARAMETERS[name](library)
        last = last.double().requires_grad_()
        made = getattr(library.distributions, name)(*others, last)
        results = [made.log_prob(made.sample((2,))), made.entropy(), made.perplexity(), made.mean, made.variance]
        gradients = [
            library.autograd.grad(each.sum(), last, retain_graph=True)[0] for each in results if each.requires_grad
        ]
        return [each.detach().numpy() for each in (*results, *gradients)]

    for ours, theirs in zip(computed(reference), computed(torch), strict=True):
        assert ours.shape == theirs.shape
        assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-9, nan_ok=True)


def raised(library: Any, program: Any) -> Any:
    try:
        return str(program(library.distributions, library.tensor))
    except Exception as error:
        return type(error).__name__, str(error)


@pytest.mark.parametrize(
    "program",
    [
        lambda d, t: d.Multinomial(3),
        lambda d, t: d.Multinomial(t(3), t([1.0, 2.0])),
        lambda d, t: d.Multinomial(-1, t([1.0, 2.0])),
        lambda d, t: d.Multinomial(3, t([-1.0, 2.0])),
        lambda d, t: d.Multinomial(3, t(1.0)),
        lambda d, t: d.Multinomial(0, t([1.0, 2.0])).sample(),
        lambda d, t: d.Multinomial(3, t([1.0, 2.0])).log_prob(t([3.0, 2.0])),
        lambda d, t: d.Multinomial(3, t([1.0, 2.0])).log_prob(t([1.0, 1.0, 1.0])),
        lambda d, t: d.Multinomial(3, t([1.0, 2.0])).log_prob([1.0, 2.0]),
        lambda d, t: d.Multinomial(3, t([1.0, 2.0])).arg_constraints,
        lambda d, t: d.Multinomial(3, t([1.0, 2.0])).support,
        lambda d, t: d.Normal(0.0, -1.0),
        lambda d, t: d.Normal(t([0.0, 0.0]), 1),
        lambda d, t: d.Normal("a", 1),
        lambda d, t: d.Normal(t([0.0, 0.0]), 1.0).log_prob(t([0.0, 0.0, 0.0])),
        lambda d, t: d.Uniform(1.0, 0.0),
        lambda d, t: d.Uniform(0.0, 1.0).log_prob(t(2.0)),
        lambda d, t: d.Bernoulli(1.5),
        lambda d, t: d.Bernoulli(0.5).log_prob(t(0.5)),
        lambda d, t: d.Categorical(t([1.0, 1.0])).log_prob(t(2)),
    ],
)
def test_validation_says_what_torch_says(program: Any) -> None:
    assert raised(reference, program) == raised(pytest.importorskip("torch"), program)


def test_an_expanded_multinomial_has_the_entropy_of_its_parts() -> None:
    made = reference.distributions.Multinomial(4, reference.tensor([1.0, 3.0]))

    assert made.expand((2,)).entropy().tolist() == [made.entropy().item()] * 2


def test_the_former_way_to_draw_several_is_warned_of() -> None:
    normal = reference.distributions.Normal(0.0, 1.0)

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        samples = normal.sample_n(2)

    assert (samples.shape, warned[0].category) == ((2,), FutureWarning)


MADE = """
Bernoulli(0.3); Bernoulli(t(0.3)); Bernoulli(t([[0.2], [0.9]], dtype=float64)); Bernoulli(t([0.0, 1.0])); Bernoulli(1.5)
Bernoulli(logits=t([-1.0, 2.0])); Bernoulli(logits=0.5); Bernoulli(logits=t([200.0, -200.0])); Bernoulli(logits=t(nan))
Bernoulli(t([0.2, 0.7], requires_grad=True)); Bernoulli(logits=t([0.2, 0.7], requires_grad=True))
Bernoulli(); Bernoulli(0.3, logits=0.2); Bernoulli('a'); Bernoulli(t([])); Bernoulli(True)
Categorical(t([0.2, 0.3, 0.5])); Categorical(t([[1.0, 2.0, 3.0], [0.0, 1.0, 1.0]])); Categorical(t([-1.0, 2.0]))
Categorical(t([[[1.0, 2.0]]], dtype=float64)); Categorical(logits=t([0.5, -inf, 2.0])); Categorical(t([0.0, 0.0]))
Categorical(t([0.2, 0.3], requires_grad=True)); Categorical(t([-1.0, 2.0]), validate_args=False); Categorical(t([1, 2]))
Multinomial(3, t([0.2, 0.3, 0.5])); Multinomial(10, t([[1.0, 2.0, 3.0], [0.0, 1.0, 1.0]])); Multinomial(2.0, t([1.0]))
Multinomial(4, logits=t([0.5, -1.0, 2.0])); Multinomial(5, t([0.2, 0.3], requires_grad=True))
Multinomial(True, t([0.5]))
Normal(0.0, 1.0); Normal(t([[0.0], [1.0]], dtype=float64), t([1.0, 2.0], dtype=float64)); Normal(0, 1); Normal(0.0, nan)
Normal(t([0.0, 1.0], requires_grad=True), t([1.0, 2.0])); Normal(0.0, 0.0, validate_args=False)
Normal(t([0.0]), t([1.0, -1.0]))
Uniform(0.0, 1.0); Uniform(t([[0.0], [1.0]], dtype=float64), t([3.0, 2.0], dtype=float64)); Uniform(0, 1); Uniform(1, 1)
Uniform(t([0.0, 1.0], requires_grad=True), 2.0); Uniform(1.0, 0.0, validate_args=False); Uniform(0.0, inf)
Distribution(); Distribution((2,), (3,)); Distribution((2,), validate_args=False)
"""
ASKED = """
made; made.batch_shape, made.event_shape; made.mean; made.mode; made.stddev; made.variance; made.entropy()
made.perplexity()
made.sample(); made.sample((2, 2)); made.sample((0,)); made.sample(3); made.rsample(); made.rsample((2,))
made.has_rsample, made.has_enumerate_support; made.support; made.arg_constraints; made.enumerate_support()
made.enumerate_support(False); made.param_shape; made.probs; made.logits; made.expand((2,)).mean; made.expand((2, 2))
made.expand((2, 2)).sample(); made.expand((3, 2, 1)).support; made.expand(2); made.log_prob(made.sample((3,)))
made.log_prob(made.expand((2, 2)).sample()); made.log_prob(t(1.0)); made.log_prob(t(0)); made.log_prob(t(0.5))
made.log_prob(0.5); made.log_prob(t([1.0, 0.0, 2.0])); made.log_prob(t([1.0] * 5)); made.log_prob(t(nan))
made.log_prob(made.enumerate_support()); made.cdf(t([-1.0, 0.5])); made.icdf(t([0.25, 1.0])); made.icdf(0.5)
grad(made.log_prob(made.sample()).sum(), [made.logits]); grad(made.entropy().sum(), [made.probs]); kl(made, made)
grad(made.rsample().sum(), [made.loc]); grad(made.log_prob(t([0.5, 1.5])).sum(), [made.loc, made.scale])
"""
OTHERS = """
Bernoulli(0.3); Bernoulli(t([0.0, 0.4, 1.0])); Bernoulli(t([1.0, 0.0, 0.9])); Categorical(t([1.0, 1.0]))
Categorical(t([[1.0, 0.0, 3.0], [0.0, 1.0, 1.0]])); Categorical(logits=t([0.5, -inf, 1.0])); Normal(0.0, 1.0)
Normal(t([[0.0], [3.0]], dtype=float64), 2.0); Uniform(0.0, 1.0); Uniform(t([-1.0, 0.5]), 2.0)
"""


def expressions(text: str) -> list[str]:
    return [each.strip() for line in text.strip().splitlines() for each in line.split("; ")]


def told(library: Any, call: str, *asked: str) -> list[Any]:
    """Return what expressions about a distribution give or raise; tensors as their type, shape and elements."""
    scope = {**vars(library.distributions), "t": library.tensor, "float64": library.float64, "nan": nan, "inf": inf}
    scope |= {"grad": library.autograd.grad, "kl": library.distributions.kl_divergence}
    answers = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for each in asked:
            library.manual_seed(3)
            try:
                scope["made"] = eval(call, scope)
                answers.append(plain(eval(each, scope)))
            except Exception as error:
                message = str(error).replace("assay_reference.", "torch.").partition("  (Could this")[0]
                answers.append((type(error).__name__, message))
    return answers


def plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [plain(each) for each in value]
    if not hasattr(value, "requires_grad"):
        return repr(value)
    return [str(value.dtype), tuple(value.shape), value.requires_grad, value.detach().double().numpy()]


def alike(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, np.ndarray):
        return np.allclose(ours, theirs, rtol=3e-6, atol=1e-7, equal_nan=True)
    if isinstance(theirs, list) and isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(alike, ours, theirs))
    return bool(ours == theirs)


@pytest.mark.parametrize("call", expressions(MADE))
def test_distributions_answer_as_torchs(call: str) -> None:
    torch, asked = pytest.importorskip("torch"), expressions(ASKED)

    answers = zip(asked, told(reference, call, *asked), told(torch, call, *asked), strict=True)

    assert [each for each in answers if not alike(*each[1:])] == []


@pytest.mark.parametrize("call", expressions(OTHERS))
def test_divergences_are_torchs(call: str) -> None:
    torch, asked = pytest.importorskip("torch"), [f"kl(made, {each})" for each in expressions(OTHERS)]

    answers = zip(asked, told(reference, call, *asked), told(torch, call, *asked), strict=True)

    assert [each for each in answers if not alike(*each[1:]) and "exponential families" not in str(each)] == []


def test_a_divergence_is_registered_for_families_and_those_below_them() -> None:
    class Standard(reference.distributions.Normal):
        pass

    @reference.distributions.register_kl(Standard, reference.distributions.Uniform)
    def half(p: Any, q: Any) -> Any:
        return reference.tensor(0.5)

    standard, uniform = Standard(0.0, 1.0), reference.distributions.Uniform(0.0, 1.0)
    assert reference.distributions.kl_divergence(standard, uniform).item() == 0.5
    assert reference.distributions.kl_divergence(standard, standard).item() == 0

    with pytest.raises(TypeError, match=r"^Expected type_q to be a Distribution subclass but got <class 'int'>$"):
        reference.distributions.register_kl(Standard, int)


def test_who_declares_no_constraints_is_told() -> None:
    with pytest.warns(UserWarning, match=r"Distribution'> does not define `arg_constraints`\. Please set"):
        reference.distributions.Distribution()
