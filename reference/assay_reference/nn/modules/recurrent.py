"""Recurrent layers."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any, ClassVar

from assay_reference.core.tensor import Tensor
from assay_reference.nn import functional as F
from assay_reference.nn import init
from assay_reference.nn.functional.recurrent import State, Weights, recurrent_layer
from assay_reference.nn.modules.module import Module
from assay_reference.nn.parameter import Parameter
from assay_reference.ops.creation import empty, zeros
from assay_reference.ops.joining import cat, stack

GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class Recurrent(Module):
    """What recurrent layers share: layers upon layers, in one direction or both."""

    unless: ClassVar[dict[str, Any]] = {
        "proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False
    }  # fmt: skip

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        self._check(dropout)
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            for suffix in self._suffixes(layer):
                shapes = list(self._shapes(layer))
                self._all_weights.append([f"{name}_{suffix}" for name, _ in shapes])
                for name, shape in shapes:
                    made = Parameter(empty(shape, device=device, dtype=dtype))
                    self.register_parameter(f"{name}_{suffix}", made)
        self.reset_parameters()

    def _check(self, dropout: Any) -> None:
        if not 0 <= dropout <= 1 or isinstance(dropout, bool):
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if dropout and self.num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={self.num_layers}",
                stacklevel=4,
            )
        if not isinstance(self.hidden_size, int):
            raise TypeError(f"hidden_size should be of type int, got: {type(self.hidden_size).__name__}")
        for name in ("hidden_size", "num_layers"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if self.proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")

    def _suffixes(self, layer: int) -> list[str]:
        """Return the suffixes of the names of a layer's parameters, one for each direction."""
        return [f"l{layer}", f"l{layer}_reverse"][: 1 + self.bidirectional]

    def _shapes(self, layer: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Name the parameters of a layer, with their shapes."""
        gates, out_size = GATES[self.mode] * self.hidden_size, self.proj_size or self.hidden_size
        yield "weight_ih", (gates, out_size * (1 + self.bidirectional) if layer else self.input_size)
        yield "weight_hh", (gates, out_size)
        if self.bias:
            yield "bias_ih", (gates,)
            yield "bias_hh", (gates,)
        if self.proj_size:
            yield "weight_hr", (self.proj_size, self.hidden_size)

    def reset_parameters(self) -> None:
        """Draw all parameters uniformly, within the inverse root of the hidden size."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    @property
    def all_weights(self) -> list[list[Parameter]]:
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Do nothing: the order in memory makes no difference here."""

    def run(self, input: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Run all layers over a sequence, or a batch of sequences."""
        self._check_input(input)
        unbatched = input.ndim == 2
        if state is not None:
            self._check_ranks(state, unbatched)
        steps = input.unsqueeze(1) if unbatched else input.transpose(0, 1) if self.batch_first else input
        starts = self._starts(steps, state, unbatched)
        output, ends = self._layers(steps, starts)
        if unbatched:
            return output.squeeze(1), tuple(each.squeeze(1) for each in ends)
        return output.transpose(0, 1) if self.batch_first else output, ends

    def _layers(self, steps: Tensor, starts: State) -> tuple[Tensor, State]:
        ends: list[State] = []
        for layer in range(self.num_layers):
            outputs = []
            for reverse, suffix in enumerate(self._suffixes(layer)):
                start = tuple(each[len(ends)] for each in starts)
                output, end = recurrent_layer(self.mode, steps, start, self._weights(suffix), reverse=bool(reverse))
                outputs.append(output)
                ends.append(end)
            steps = cat(outputs, -1) if self.bidirectional else outputs[0]
            if self.dropout and layer < self.num_layers - 1:
                steps = F.dropout(steps, self.dropout, self.training)
        return steps, tuple(stack(each) for each in zip(*ends, strict=True))

    def _weights(self, suffix: str) -> Weights:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        return Weights(*(self._parameters.get(f"{name}_{suffix}") for name in names))  # type: ignore[arg-type]

    def _check_input(self, input: Tensor) -> None:
        if input.ndim not in (2, 3):
            raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got {input.ndim}D instead")
        kind = self._parameters["weight_ih_l0"].dtype  # type: ignore[union-attr]
        if input.dtype is not kind:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({kind}). Convert input: "
                f"input.to({kind}), or convert model: model.to({input.dtype})"
            )
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.shape[-1]}"
            )
        if not input.shape[1 if input.ndim == 3 and self.batch_first else 0]:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")

    def _check_ranks(self, state: State, unbatched: bool) -> None:
        wanted = 2 if unbatched else 3
        if any(each.ndim != wanted for each in state):
            batched, names = "unbatched 2-D" if unbatched else "batched 3-D", "hx and cx" if len(state) > 1 else "hx"
            ranks = ", ".join(f"{each.ndim}-D" for each in state)
            got = f"({ranks}) tensors" if len(state) > 1 else f"{ranks} tensor"
            raise RuntimeError(f"For {batched} input, {names} should also be {wanted}-D but got {got}")

    def _starts(self, steps: Tensor, state: State | None, unbatched: bool) -> State:
        """Return the states before the first step, of all layers and directions."""
        lead = (self.num_layers * (1 + self.bidirectional), steps.shape[1])
        shapes = [(*lead, self.proj_size or self.hidden_size), (*lead, self.hidden_size)]
        if state is None:
            count = 2 if self.mode == "LSTM" else 1
            return tuple(zeros(shape, dtype=steps.dtype, device=steps.device) for shape in shapes[:count])
        given = tuple(each.unsqueeze(1) if unbatched else each for each in state)
        for position, (each, shape) in enumerate(zip(given, shapes, strict=False)):
            if tuple(each.shape) != shape:
                which = f"hidden[{position}]" if self.mode == "LSTM" else "hidden"
                raise RuntimeError(f"Expected {which} size {shape}, got {list(each.shape)}")
        return given

    def extra_repr(self) -> str:
        said = [f"{name}={getattr(self, name)}" for name, usual in self.unless.items() if getattr(self, name) != usual]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *said])


class LSTM(Recurrent):
    """Long short-term memory over sequences, in layers and directions (Hochreiter and Schmidhuber, 1997)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def forward(self, input: Tensor, hx: Any = None) -> tuple[Tensor, State]:
        return self.run(input, None if hx is None else (hx[0], hx[1]))


class GRU(Recurrent):
    """Gated recurrent units over sequences, in layers and directions (Cho and others, 2014)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> tuple[Tensor, Tensor]:
        output, (last,) = self.run(input, None if hx is None else (hx,))
        return output, last


class RNN(Recurrent):
    """Elman's recurrent network over sequences, in layers and directions."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, *args, **kwargs)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> tuple[Tensor, Tensor]:
        output, (last,) = self.run(input, None if hx is None else (hx,))
        return output, last
