"""A network trained from the same seed in both libraries keeps the same loss, step by step.

The seed decides all there is of chance: the data, how the network starts, the order in which a loader shuffles the
examples, and what dropout leaves out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

import assay_reference

torch = pytest.importorskip("torch")

STEPS = 20

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "Adadelta": {},
    "Adagrad": {"lr": 0.05},
    "Adam": {"lr": 0.01},
    "AdamW": {"lr": 0.01},
    "Adamax": {"lr": 0.01},
    "ASGD": {"lr": 0.05},
    "LBFGS": {"lr": 0.5, "max_iter": 2, "line_search_fn": "strong_wolfe"},
    "RMSprop": {"lr": 0.005, "momentum": 0.5},
    "Rprop": {"lr": 0.001},
    "SGD": {"lr": 0.01, "momentum": 0.9},
}


def mlp(library: Any) -> Any:
    """Make layers with dropout between them, for regression."""
    nn = library.nn
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 1))
    inputs = library.randn(16, 4)
    return model, nn.MSELoss(), inputs, inputs.sum(1, keepdim=True)


def cnn(library: Any) -> Any:
    """Make convolutions down and up again, with batch normalisation between them, which mark the bright pixels."""
    nn = library.nn
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1, bias=False),  # the mean that is taken away would take the bias too
        nn.BatchNorm2d(4),
        nn.Softplus(),
        nn.Dropout2d(0.1),
        nn.ConvTranspose2d(4, 1, 4, stride=2, padding=1),
    )
    inputs = library.randn(16, 1, 6, 6)
    return model, nn.BCEWithLogitsLoss(), inputs, (inputs > 0.5).float()


def recurrent(library: Any, kind: str) -> Any:
    """Make a stacked and bidirectional network over packed sequences, which tells the mean of their first elements."""
    nn = library.nn
    pack, pad = nn.utils.rnn.pack_padded_sequence, nn.utils.rnn.pad_packed_sequence

    class Network(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layers = getattr(nn, kind)(3, 4, num_layers=2, bidirectional=True, batch_first=True, dropout=0.2)
            self.last = nn.Linear(8, 1)

        def forward(self, inputs: Any) -> Any:
            lengths = inputs[:, 0, 0].round().long()
            packed = pack(inputs, lengths, batch_first=True, enforce_sorted=False)
            outputs, _ = pad(self.layers(packed)[0], batch_first=True)
            return self.last(outputs.mean(1))

    inputs = library.randn(16, 3, 3)
    inputs[:, 0, 0] = library.randint(1, 4, (16,)).float()
    return Network(), nn.MSELoss(), inputs, inputs[:, 0].mean(1, keepdim=True)


def embedding(library: Any) -> Any:
    """Make a classifier of words, which says which third of the vocabulary the first is of."""
    nn = library.nn
    model = nn.Sequential(nn.Embedding(12, 4), nn.Flatten(), nn.Dropout(0.2), nn.Linear(12, 3))
    words = library.randint(0, 12, (16, 3))
    return model, nn.CrossEntropyLoss(), words, words[:, 0] // 4


def autoencoder(library: Any) -> Any:
    """Make layers that narrow and widen again, which repeat what they are given."""
    nn = library.nn
    encoder = nn.Sequential(nn.Linear(8, 6), nn.ELU(), nn.Linear(6, 2))
    decoder = nn.Sequential(nn.Linear(2, 6), nn.SiLU(), nn.Dropout(0.1), nn.Linear(6, 8), nn.Sigmoid())
    inputs = library.rand(16, 8)
    return nn.Sequential(encoder, decoder), nn.BCELoss(), inputs, inputs


NETWORKS: dict[str, Callable[[Any], Any]] = {
    "MLP": mlp,
    "CNN": cnn,
    **{kind: partial(recurrent, kind=kind) for kind in ("RNN", "LSTM", "GRU")},
    "embedding": embedding,
    "autoencoder": autoencoder,
}


def batches(library: Any, *tensors: Any) -> Iterator[Any]:
    """Go through the examples again and again, in another order each time."""
    data = library.utils.data
    loader = data.DataLoader(data.TensorDataset(*tensors), batch_size=8, shuffle=True)
    while True:
        yield from loader


def losses(library: Any, network: Callable[[Any], Any], name: str) -> list[float]:
    """Return the loss of each step."""
    library.manual_seed(7)
    model, criterion, inputs, targets = network(library)
    optimizer = getattr(library.optim, name)(model.parameters(), **OPTIMIZERS[name])
    found = []
    for (input, target), _ in zip(batches(library, inputs, targets), range(STEPS), strict=False):

        def closure(input: Any = input, target: Any = target) -> Any:
            optimizer.zero_grad()
            loss = criterion(model(input), target)
            loss.backward()
            return loss

        found.append(optimizer.step(closure).item())
    return found


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("network", NETWORKS)
def test_both_libraries_have_the_same_loss_at_every_step(network: str, name: str) -> None:
    ours, theirs = (losses(library, NETWORKS[network], name) for library in (assay_reference, torch))

    # What a loss loses in digits where it becomes small, is rounding of outputs that are as large as ever.
    assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-6)
    assert len(set(ours)) == STEPS
