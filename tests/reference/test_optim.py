from __future__ import annotations

from typing import Any

import pytest

import assay_reference as reference
from assay_reference.optim.descent import Descent
from assay_reference.optim.options import keeps_options


def test_momentum_adds_up() -> None:
    parameter = reference.zeros(1, requires_grad=True)
    optimizer = reference.optim.SGD([parameter], lr=1.0, momentum=0.5)

    for _ in range(2):
        parameter.grad = reference.ones(1)
        optimizer.step()

    assert parameter.tolist() == [-2.5]


def test_a_reloaded_optimizer_goes_on_where_the_first_stood() -> None:
    def run(reload: bool) -> Any:
        parameter = reference.ones(2, requires_grad=True)
        optimizer = reference.optim.Adam([parameter], lr=0.1)
        for step in range(4):
            parameter.grad = reference.tensor([1.0, -2.0]) * (step + 1)
            optimizer.step()
            if reload:
                state = optimizer.state_dict()
                optimizer = reference.optim.Adam([parameter], lr=9.0)
                optimizer.load_state_dict(state)
        return parameter.tolist()

    assert run(reload=True) == run(reload=False)


def test_a_parameter_in_two_groups_is_refused() -> None:
    parameter = reference.ones(1)

    with pytest.raises(ValueError, match="some parameters appear in more than one parameter group"):
        reference.optim.SGD([{"params": [parameter]}, {"params": [parameter]}], lr=1.0)


def test_a_scheduler_decays_every_step_size_steps() -> None:
    optimizer = reference.optim.SGD([reference.zeros(1)], lr=8.0)
    scheduler = reference.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    rates = []
    for _ in range(4):
        optimizer.step()
        scheduler.step()
        rates.append(scheduler.get_last_lr()[0])

    assert rates == [8.0, 4.0, 4.0, 2.0]


class Follow(Descent):
    """The smallest optimizer: one option, and how a parameter moves."""

    @keeps_options
    def __init__(self, params: Any, lr: float = 1.0) -> None: ...

    def update(self, parameter: Any, gradient: Any, state: Any, group: Any) -> None:
        parameter.sub_(gradient * group["lr"])


def test_an_optimizer_declares_its_options_once_and_needs_no_other() -> None:
    parameter = reference.ones(1, requires_grad=True)
    optimizer = Follow([parameter], lr=0.5)
    parameter.grad = reference.ones(1)

    optimizer.step()

    assert parameter.tolist() == [0.5]
    assert optimizer.defaults == {"lr": 0.5}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": -1.0}, "Invalid learning rate: -1.0"),
        ({"eps": -1.0}, "Invalid epsilon value: -1.0"),
        ({"betas": (0.9, 1.0)}, "Invalid beta parameter at index 1: 1.0"),
        ({"weight_decay": -1.0}, "Invalid weight_decay value: -1.0"),
    ],
)
def test_options_out_of_range_are_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError) as raised:
        reference.optim.Adam([reference.ones(1)], **options)

    assert str(raised.value) == message


class Halve(reference.optim.lr_scheduler.LRScheduler):
    @keeps_options
    def __init__(self, optimizer: Any, until: int, last_epoch: int = -1) -> None: ...

    def multiplier(self) -> float:
        return 0.5 if 0 < self.last_epoch <= self.until else 1


def test_a_scheduler_keeps_its_options_and_says_its_multiplier() -> None:
    optimizer = Follow([reference.zeros(1)], lr=8.0)
    scheduler = Halve(optimizer, until=2)
    for _ in range(3):
        optimizer.step()
        scheduler.step()

    assert scheduler.get_last_lr() == [2.0]
    assert scheduler.state_dict()["until"] == 2
