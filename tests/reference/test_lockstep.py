"""A network trained from the same seed in both libraries keeps the same loss."""

from __future__ import annotations

from typing import Any

import pytest

import assay_reference

torch = pytest.importorskip("torch")

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 0.05, "momentum": 0.9},
    "Adam": {"lr": 0.01},
    "AdamW": {"lr": 0.01},
    "Adadelta": {},
    "Adagrad": {"lr": 0.05},
    "Adamax": {"lr": 0.01},
    "ASGD": {"lr": 0.05},
    "RMSprop": {"lr": 0.005, "momentum": 0.5},
    "Rprop": {"lr": 0.005},
    "LBFGS": {"lr": 0.5, "max_iter": 2},
}


def losses(library: Any, name: str, options: dict[str, Any]) -> list[float]:
    """Return the losses of twenty steps."""
    library.manual_seed(7)
    nn = library.nn
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    inputs = library.randn(16, 4)
    targets = inputs.sum(1, keepdim=True)
    optimizer = getattr(library.optim, name)(model.parameters(), **options)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(inputs), targets)
        loss.backward()
        return loss

    return [optimizer.step(closure).item() for _ in range(20)]


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS.items())
def test_both_libraries_have_the_same_loss_at_every_step(name: str, options: dict[str, Any]) -> None:
    ours, theirs = (losses(library, name, options) for library in (assay_reference, torch))

    # What a loss loses in digits where it becomes small, is rounding of outputs that are as large as ever.
    assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-6)
    assert ours[-1] < ours[0]
