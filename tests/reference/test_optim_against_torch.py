"""torch.optim against real PyTorch: states that each takes up from the other, messages, printed forms, warnings."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import assay_reference

torch = pytest.importorskip("torch")

LIBRARIES = (assay_reference, torch)
OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("SGD", {"momentum": 0.5, "dampening": 0.25, "maximize": True}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.1}),
    ("Adam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("AdamW", {}),
    ("Adadelta", {"maximize": True}),
    ("Adagrad", {"lr_decay": 0.5, "initial_accumulator_value": 0.25}),
    ("Adamax", {"weight_decay": 0.1}),
    ("ASGD", {"lambd": 0.1, "t0": 2.0}),
    ("RMSprop", {"momentum": 0.5, "centered": True}),
    ("Rprop", {"step_sizes": (0.05, 0.15)}),
]
SCHEDULERS: list[tuple[str, dict[str, Any]]] = [
    ("StepLR", {"step_size": 2}),
    ("MultiStepLR", {"milestones": [2, 3, 3, 7]}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("LambdaLR", {"lr_lambda": [lambda epoch: 1 / (1 + epoch), lambda epoch: 0.5**epoch]}),
    ("CosineAnnealingLR", {"T_max": 3, "eta_min": 0.0625}),
]
each_optimizer = pytest.mark.parametrize(("name", "options"), OPTIMIZERS)


def converted(value: Any, library: Any) -> Any:
    """Return saved state with the other library's tensors instead."""
    if isinstance(value, dict):
        return {key: converted(each, library) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(converted(each, library) for each in value)
    return library.tensor(value.detach().numpy().copy()) if hasattr(value, "detach") else value


def assert_alike(got: Any, want: Any) -> None:
    """Compare states: keys in their order, kinds, dtypes, values within rounding."""
    if isinstance(want, dict):
        assert list(got) == list(want)
        for key in want:
            assert_alike(got[key], want[key])
    elif hasattr(want, "detach"):
        assert (str(got.dtype), tuple(got.shape)) == (str(want.dtype), tuple(want.shape))
        np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), rtol=1e-5, atol=1e-6)
    else:
        assert got == want


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
@each_optimizer
def test_states_are_interchangeable_at_every_step(name: str, options: dict[str, Any], dtype: str) -> None:
    def numbers(seed: int, shape: tuple[int, ...]) -> Any:
        parts = np.random.default_rng(seed).standard_normal((2, *shape))
        return np.asarray(parts[0] + 1j * parts[1] if "complex" in dtype else parts[0], dtype)

    def make(library: Any) -> Any:
        parameters = [library.tensor(numbers(seed, shape)) for seed, shape in enumerate([(2, 3), (4,), ()])]
        return getattr(library.optim, name)(parameters, lr=0.125, **options), parameters

    pairs = [make(library) for library in LIBRARIES]
    for step in range(4):
        for library, (optimizer, parameters) in zip(LIBRARIES, pairs, strict=True):
            for index, parameter in enumerate(parameters):
                gradient = library.tensor(numbers(10 * step + index + 5, tuple(parameter.shape)))
                parameter.grad = None if (step, index) == (1, 1) else gradient
            optimizer.step()
        (ours, our_parameters), (theirs, their_parameters) = pairs
        assert_alike(ours.state_dict(), theirs.state_dict())
        for got, want in zip(our_parameters, their_parameters, strict=True):
            assert_alike(got, want)
        saved = [each.state_dict() for each, _ in pairs]
        ours.load_state_dict(converted(saved[1], assay_reference))
        theirs.load_state_dict(converted(saved[0], torch))


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_the_state_of_lbfgs_is_interchangeable_at_every_step(search: str | None) -> None:
    start = np.random.default_rng(0).standard_normal(5)
    pairs = []
    for library in LIBRARIES:
        parameter = library.tensor(start.copy(), requires_grad=True)
        pairs.append((library.optim.LBFGS([parameter], max_iter=2, history_size=3, line_search_fn=search), parameter))
    for _ in range(5):
        for optimizer, parameter in pairs:

            def closure(optimizer: Any = optimizer, parameter: Any = parameter) -> Any:
                optimizer.zero_grad()
                loss = (parameter**4).sum() + (parameter[1:] * parameter[:-1] + parameter[1:] ** 2).sum()
                loss.backward()
                return loss

            optimizer.step(closure)
        (ours, our_parameter), (theirs, their_parameter) = pairs
        saved = [each.state_dict() for each, _ in pairs]
        assert list(saved[0]["state"][0]) == list(saved[1]["state"][0])
        assert_alike(our_parameter, their_parameter)
        ours.load_state_dict(converted(saved[1], assay_reference))
        theirs.load_state_dict(converted(saved[0], torch))


@each_optimizer
def test_printed_forms_are_torchs(name: str, options: dict[str, Any]) -> None:
    printed = [
        repr(getattr(library.optim, name)([{"params": [library.ones(1)]}, {"params": [library.ones(1)], "lr": 0.5}]))
        for library in LIBRARIES
    ]

    assert printed[0] == printed[1]


REFUSED: list[Callable[[Any], Any]] = [
    lambda torch: torch.optim.SGD(torch.ones(1)),
    lambda torch: torch.optim.SGD([]),
    lambda torch: torch.optim.SGD([1.0]),
    lambda torch: torch.optim.SGD([{"params": {torch.ones(1)}}]),
    lambda torch: torch.optim.SGD([torch.ones(1, requires_grad=True) * 2]),
    lambda torch: torch.optim.SGD([torch.ones(1)], lr=-1.0),
    lambda torch: torch.optim.SGD([torch.ones(1)], lr=torch.ones(2)),
    lambda torch: torch.optim.SGD([torch.ones(1)], momentum=-1.0),
    lambda torch: torch.optim.SGD([torch.ones(1)], nesterov=True),
    lambda torch: torch.optim.SGD([torch.ones(1)], fused=True, foreach=True),
    lambda torch: torch.optim.SGD([torch.ones(1)], fused=True, differentiable=True),
    lambda torch: torch.optim.SGD([("a", torch.ones(1)), torch.ones(1)]),
    lambda torch: torch.optim.SGD([{"params": [("a", torch.ones(1))]}, {"params": [torch.ones(1)]}]),
    lambda torch: torch.optim.SGD([torch.ones(1)]).add_param_group([torch.ones(1)]),
    lambda torch: torch.optim.SGD([torch.ones(1)]).load_state_dict({"param_groups": [], "state": {}}),
    lambda torch: torch.optim.SGD([torch.ones(1)]).load_state_dict({"param_groups": [{"params": []}], "state": {}}),
    lambda torch: torch.optim.Optimizer([torch.ones(1)], {}).step(),
    lambda torch: torch.optim.Adam([torch.ones(1)], lr=float("nan")),
    lambda torch: torch.optim.Adam([torch.ones(1)], lr=torch.ones(1), foreach=True),
    lambda torch: torch.optim.Adam([torch.ones(1)], eps=-1.0),
    lambda torch: torch.optim.Adam([torch.ones(1)], betas=(0.9, 1.0)),
    lambda torch: torch.optim.Adam([torch.ones(1)], betas=(0, 0.5)),
    lambda torch: torch.optim.Adam([torch.ones(1)], weight_decay=-1.0),
    lambda torch: torch.optim.Adadelta([torch.ones(1)], rho=1.5),
    lambda torch: torch.optim.Adagrad([torch.ones(1)], lr_decay=-1.0),
    lambda torch: torch.optim.Adagrad([torch.ones(1)], initial_accumulator_value=-1.0),
    lambda torch: torch.optim.RMSprop([torch.ones(1)], alpha=-1.0),
    lambda torch: torch.optim.Rprop([torch.ones(1)], etas=(1.0, 2.0)),
    lambda torch: torch.optim.LBFGS([{"params": [torch.ones(1)]}, {"params": [torch.ones(1)]}]),
    *(
        lambda torch, name=name: moved(torch, name, capturable=True)
        for name in ("Adam", "Adadelta", "Adamax", "ASGD", "RMSprop", "Rprop")
    ),
    *(lambda torch, name=name: moved(torch, name, sparse=True) for name in ("Adam", "AdamW", "Rprop")),
    lambda torch: moved(torch, "Adagrad", sparse=True, weight_decay=0.5),
    lambda torch: torch.optim.lr_scheduler.StepLR(1.0, 2),
    lambda torch: torch.optim.lr_scheduler.StepLR(torch.optim.SGD([torch.ones(1)]), 2, last_epoch=0),
    lambda torch: torch.optim.lr_scheduler.LambdaLR(torch.optim.SGD([torch.ones(1)]), []),
    lambda torch: torch.optim.lr_scheduler.ReduceLROnPlateau(torch.optim.SGD([torch.ones(1)]), factor=1.0),
    lambda torch: torch.optim.lr_scheduler.ReduceLROnPlateau(torch.optim.SGD([torch.ones(1)]), mode="a"),
    lambda torch: torch.optim.lr_scheduler.ReduceLROnPlateau(torch.optim.SGD([torch.ones(1)]), threshold_mode="a"),
    lambda torch: torch.optim.lr_scheduler.ReduceLROnPlateau(torch.optim.SGD([torch.ones(1)]), min_lr=[]),
]


def moved(library: Any, name: str, sparse: bool = False, **options: Any) -> Any:
    """Return what a step makes of a parameter."""
    parameter = library.ones(3, 2, requires_grad=True)
    optimizer = getattr(library.optim, name)([parameter], **options)
    library.nn.functional.embedding(library.tensor([0, 2, 0]), parameter, sparse=sparse).sum().backward()
    optimizer.step()
    return parameter


@pytest.mark.parametrize("call", REFUSED)
def test_what_is_refused_is_refused_in_torchs_words(call: Callable[[Any], Any]) -> None:
    said = []
    for library in LIBRARIES:
        with pytest.raises(Exception) as raised:
            call(library)
        said.append((type(raised.value).__name__, str(raised.value)))

    assert said[0] == said[1]


@pytest.mark.parametrize("options", [{"maximize": True}, {"momentum": 0.5}, {"momentum": 0.5, "nesterov": True}])
def test_sparse_gradients_move_rows(options: dict[str, Any]) -> None:
    ours, theirs = (moved(library, "SGD", sparse=True, **options) for library in LIBRARIES)

    assert_alike(ours, theirs)


@pytest.mark.parametrize(
    ("name", "options"), [each for each in OPTIMIZERS if each[0] in ("SGD", "AdamW", "Adadelta", "Adagrad", "ASGD")]
)
def test_a_differentiable_step_has_torchs_gradient(name: str, options: dict[str, Any]) -> None:
    gradients = []
    for library in LIBRARIES:
        start = library.tensor([1.0, -2.0, 3.0], requires_grad=True)
        weight = start.clone()
        optimizer = getattr(library.optim, name)([weight], lr=0.125, differentiable=True, **options)
        for step in range(3):
            weight.grad = start * start * (step + 1)
            optimizer.step()
        weight.sum().backward()
        gradients.append(start.grad)

    assert_alike(*gradients)


@pytest.mark.parametrize("tensor", [False, True])
@pytest.mark.parametrize(("name", "options"), SCHEDULERS)
def test_schedules_are_torchs(name: str, options: dict[str, Any], tensor: bool) -> None:
    rates, states = [], []
    for library in LIBRARIES:
        groups = [{"params": [library.ones(1)]}, {"params": [library.ones(1)], "lr": 0.25}]
        optimizer = library.optim.SGD(groups, lr=library.tensor(0.5) if tensor else 0.5)
        scheduler = getattr(library.optim.lr_scheduler, name)(optimizer, **options)
        for _ in range(9):
            optimizer.step()
            scheduler.step()
            rates.append([float(each) for each in scheduler.get_last_lr()])
        states.append(scheduler.state_dict())

    np.testing.assert_allclose(rates[:9], rates[9:], rtol=1e-5 if tensor else 1e-15)
    assert list(states[0]) == list(states[1])


def warned(call: Callable[[], Any]) -> list[tuple[str, str]]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        call()
    return [(each.category.__name__, str(each.message)) for each in found]


def test_warnings_are_torchs() -> None:
    def too_early(library: Any) -> None:
        library.optim.lr_scheduler.StepLR(library.optim.SGD([library.ones(1)]), 2).step()

    def overridden(library: Any) -> None:
        optimizer = library.optim.SGD([library.ones(1)])
        scheduler = library.optim.lr_scheduler.StepLR(optimizer, 2)
        optimizer.step = lambda: None
        scheduler.step()

    def to_an_epoch(library: Any) -> None:
        optimizer = library.optim.SGD([library.ones(1)])
        scheduler = library.optim.lr_scheduler.StepLR(optimizer, 2)
        optimizer.step()
        scheduler.step(3)
        scheduler.get_lr()

    def twice(library: Any) -> None:
        parameter = library.ones(1)
        library.optim.SGD([parameter, parameter])

    for call in (too_early, overridden, to_an_epoch, twice):
        ours, theirs = (warned(lambda call=call, library=library: call(library)) for library in LIBRARIES)
        assert ours == theirs
        assert ours


def test_copies_keep_the_state() -> None:
    for library in LIBRARIES:
        parameter = library.zeros(1, requires_grad=True)
        optimizer = library.optim.Adam([parameter])
        parameter.grad = library.ones(1)
        optimizer.step()
        for other in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
            assert [float(each["step"]) for each in other.state.values()] == [1.0]
            other.step()
