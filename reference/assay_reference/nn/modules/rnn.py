"""Recurrent layers, and their cells."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from numbers import Number
from typing import Any, ClassVar

from assay_reference.core.tensor import Tensor
from assay_reference.nn import functional as F
from assay_reference.nn import init
from assay_reference.nn.functional.recurrent import CELLS, State, Weights, packed_layer, recurrent_layer
from assay_reference.nn.modules.module import Module
from assay_reference.nn.parameter import Parameter
from assay_reference.nn.utils.rnn import PackedSequence
from assay_reference.ops.creation import empty, zeros
from assay_reference.ops.joining import cat, stack

GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class Recurrent(Module):
    """What layers and cells share: how their parameters start."""

    hidden_size: int

    def reset_parameters(self) -> None:
        """Draw all parameters uniformly, within the inverse root of the hidden size."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)


class RNNBase(Recurrent):
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
        if not isinstance(dropout, Number) or not 0 <= dropout <= 1 or isinstance(dropout, bool):  # type: ignore[operator]
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if dropout and self.num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={self.num_layers}",
                stacklevel=4,
            )
        for name, kind in (("bias", bool), ("batch_first", bool), ("input_size", int), ("hidden_size", int)):
            given = getattr(self, name)
            if not isinstance(given, kind):
                raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(given).__name__}")
            if kind is int and given <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if self.num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if self.proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if self.mode not in GATES:
            raise ValueError(f"Unrecognized RNN mode: {self.mode}")

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

    @property
    def all_weights(self) -> list[list[Parameter]]:
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def __getstate__(self) -> dict[str, Any]:
        """Return what files have: in PyTorch's, the parameters stand in a row besides."""
        names = [each for names in self._all_weights for each in names]
        row = {"_flat_weights_names": names, "_flat_weights": [getattr(self, each) for each in names]}
        return {**vars(self), **row}

    def flatten_parameters(self) -> None:
        """Do nothing: the order in memory makes no difference here."""

    def run(self, input: Tensor | PackedSequence, state: State | None) -> tuple[Any, State]:
        """Run all layers over a sequence, a batch of sequences, or a packed batch."""
        if isinstance(input, PackedSequence):
            return self._run_packed(input, state)
        if input.ndim not in (2, 3):
            word = "D tensor" if self.mode.startswith("RNN") else "D"
            raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got {input.ndim}{word} instead")
        unbatched = input.ndim == 2
        if state is not None:
            self._check_ranks(state, unbatched)
            state = tuple(each.unsqueeze(1) for each in state) if unbatched else state
        steps = input.unsqueeze(1) if unbatched else input.transpose(0, 1) if self.batch_first else input
        self._check_input(steps, 3)
        starts = self._starts(steps, state, steps.shape[1])
        if not len(steps):
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        output, ends = self._layers(steps, starts)
        if unbatched:
            return output.squeeze(1), tuple(each.squeeze(1) for each in ends)
        return output.transpose(0, 1) if self.batch_first else output, ends

    def _run_packed(self, input: PackedSequence, state: State | None) -> tuple[PackedSequence, State]:
        data, batch_sizes, order, back = input
        if self.mode != "LSTM":  # whose products find out
            self._check_input(data, 2)
        sizes = batch_sizes.tolist()
        if state is not None and order is not None:
            state = tuple(each.index_select(1, order) for each in state)
        output, ends = self._layers(data, self._starts(data, state, sizes[0]), sizes)
        if back is not None:
            ends = tuple(each.index_select(1, back) for each in ends)
        return PackedSequence(output, batch_sizes, order, back), ends

    def _layers(self, steps: Tensor, starts: State, sizes: Sequence[int] | None = None) -> tuple[Tensor, State]:
        ends: list[State] = []
        for layer in range(self.num_layers):
            outputs = []
            for reverse, suffix in enumerate(self._suffixes(layer)):
                start, weights = tuple(each[len(ends)] for each in starts), self._weights(suffix)
                if sizes is None:
                    output, end = recurrent_layer(self.mode, steps, start, weights, reverse=bool(reverse))
                else:
                    output, end = packed_layer(self.mode, steps, sizes, start, weights, reverse=bool(reverse))
                outputs.append(output)
                ends.append(end)
            steps = cat(outputs, -1) if self.bidirectional else outputs[0]
            if self.dropout and layer < self.num_layers - 1:
                steps = F.dropout(steps, self.dropout, self.training)
        return steps, tuple(stack(each) for each in zip(*ends, strict=True))

    def _weights(self, suffix: str) -> Weights:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        return Weights(*(self._parameters.get(f"{name}_{suffix}") for name in names))  # type: ignore[arg-type]

    def _check_input(self, input: Tensor, rank: int) -> None:
        kind = self._parameters["weight_ih_l0"].dtype  # type: ignore[union-attr]
        if input.dtype is not kind:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({kind}). Convert input: "
                f"input.to({kind}), or convert model: model.to({input.dtype})"
            )
        if input.ndim != rank:
            raise RuntimeError(f"input must have {rank} dimensions, got {input.ndim}")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.shape[-1]}"
            )

    def _check_ranks(self, state: State, unbatched: bool) -> None:
        wanted = 2 if unbatched else 3
        if any(each.ndim != wanted for each in state):
            batched, names = "unbatched 2-D" if unbatched else "batched 3-D", "hx and cx" if len(state) > 1 else "hx"
            ranks = ", ".join(f"{each.ndim}-D" for each in state)
            got = f"({ranks}) tensors" if len(state) > 1 else f"{ranks} tensor"
            raise RuntimeError(f"For {batched} input, {names} should also be {wanted}-D but got {got}")

    def _starts(self, steps: Tensor, state: State | None, batch: int) -> State:
        """Return the states before the first step, of all layers and directions."""
        lead = (self.num_layers * (1 + self.bidirectional), batch)
        shapes = [(*lead, self.proj_size or self.hidden_size), (*lead, self.hidden_size)]
        if state is None:
            count = 2 if self.mode == "LSTM" else 1
            return tuple(zeros(shape, dtype=steps.dtype, device=steps.device) for shape in shapes[:count])
        for position, (each, shape) in enumerate(zip(state, shapes, strict=False)):
            if tuple(each.shape) != shape:
                which = f"hidden[{position}]" if self.mode == "LSTM" else "hidden"
                raise RuntimeError(f"Expected {which} size {shape}, got {list(each.shape)}")
        return state

    def extra_repr(self) -> str:
        said = [f"{name}={getattr(self, name)}" for name, usual in self.unless.items() if getattr(self, name) != usual]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *said])


class LSTM(RNNBase):
    """Long short-term memory over sequences, in layers and directions (Hochreiter and Schmidhuber, 1997)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, State]:
        return self.run(input, None if hx is None else (hx[0], hx[1]))


class OneState(RNNBase):
    """A recurrent layer whose state is one tensor."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__(*args, **kwargs)

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        output, (last,) = self.run(input, None if hx is None else (hx,))
        return output, last


class GRU(OneState):
    """Gated recurrent units over sequences, in layers and directions (Cho and others, 2014)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("GRU", *args, **kwargs)


class RNN(OneState):
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
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, *args, **kwargs)
        self.nonlinearity = nonlinearity


# -- cells ------------------------------------------------------------------------------------------------------------


class RNNCellBase(Recurrent):
    """What cells share: one step of a layer, for a batch or a single input."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        gates = num_chunks * hidden_size
        weights = {"weight_ih": (gates, input_size), "weight_hh": (gates, hidden_size)}
        for name, shape in {**weights, "bias_ih": (gates,), "bias_hh": (gates,)}.items():
            there = bias or name in weights
            self.register_parameter(name, Parameter(empty(shape, device=device, dtype=dtype)) if there else None)
        self.reset_parameters()

    def step(self, mode: str, input: Tensor, state: dict[str, Tensor | None]) -> State:
        """Return the next state; `state` has the parts of the one before, by what messages call them."""
        for name, each in {"input": input, **state}.items():
            if each is not None and each.ndim not in (1, 2):
                raise ValueError(f"{type(self).__name__}: Expected {name} to be 1D or 2D, got {each.ndim}D instead")
        unbatched = input.ndim == 1
        rows = input.unsqueeze(0) if unbatched else input
        nothing = zeros((len(rows), self.hidden_size), dtype=input.dtype, device=input.device)
        before = [nothing if each is None else each.unsqueeze(0) if unbatched else each for each in state.values()]
        self._check_sizes(rows, before)
        weights = Weights(*(self._parameters[name] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")))  # type: ignore[arg-type]
        after = CELLS[mode](F.linear(rows, weights.ih, weights.b_ih), tuple(before), weights)
        return tuple(each.squeeze(0) for each in after) if unbatched else after

    def _check_sizes(self, input: Tensor, state: list[Tensor]) -> None:
        if input.shape[1] != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {input.shape[1]} expected {self.input_size}")
        for position, each in enumerate(state):
            if len(each) != len(input):
                raise RuntimeError(
                    f"Input batch size {len(input)} doesn't match hidden{position} batch size {len(each)}"
                )
            if each.shape[1] != self.hidden_size:
                raise RuntimeError(
                    f"hidden{position} has inconsistent hidden_size: got {each.shape[1]}, expected {self.hidden_size}"
                )

    def extra_repr(self) -> str:
        said = [f"{self.input_size}, {self.hidden_size}"]
        if self.bias is not True:
            said.append(f"bias={self.bias}")
        if vars(self).get("nonlinearity", "tanh") != "tanh":
            said.append(f"nonlinearity={self.nonlinearity}")
        return ", ".join(said)


class RNNCell(RNNCellBase):
    """A step of Elman's recurrent network."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        mode = f"RNN_{self.nonlinearity.upper()}"
        if mode not in CELLS:
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self.step(mode, input, {"hidden": hx})[0]


class LSTMCell(RNNCellBase):
    """A step of long short-term memory."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: Any = None) -> State:
        hidden, cell = (None, None) if hx is None else (hx[0], hx[1])
        return self.step("LSTM", input, {"hx[0]": hidden, "hx[1]": cell})


class GRUCell(RNNCellBase):
    """A step of gated recurrent units."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self.step("GRU", input, {"hidden": hx})[0]
