from __future__ import annotations

import warnings
from typing import Any

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
