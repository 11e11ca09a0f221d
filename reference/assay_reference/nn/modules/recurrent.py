"""Recurrent layers."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any

from assay_reference.creation import empty
from assay_reference.dispatch import FUNCTIONS
from assay_reference.nn import functional as F
from assay_reference.nn import init
from assay_reference.nn.modules.module import Module
from assay_reference.nn.parameter import Parameter
from assay_reference.tensor import Tensor

State = tuple[Tensor, Tensor]


class LSTM(Module):
    """Long short-term memory over sequences, in layers and directions (Hochreiter and Schmidhuber, 1997)."""

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if not 0 <= dropout <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if dropout and num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={num_layers}",
                stacklevel=2,
            )
        if hidden_size <= 0 or num_layers <= 0:
            raise ValueError(f"{'hidden_size' if hidden_size <= 0 else 'num_layers'} must be greater than zero")
        if proj_size >= hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, dropout
        self.bidirectional, self.proj_size = bidirectional, proj_size
        for name, shape in self._shapes():
            self.register_parameter(name, Parameter(empty(*shape, device=device, dtype=dtype)))
        self.reset_parameters()

    @property
    def _directions(self) -> tuple[str, ...]:
        return ("", "_reverse") if self.bidirectional else ("",)

    def _shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Name the parameters, layer by layer, with their shapes."""
        gates, out_size = 4 * self.hidden_size, self.proj_size or self.hidden_size
        for layer in range(self.num_layers):
            width = self.input_size if layer == 0 else out_size * len(self._directions)
            for direction in self._directions:
                suffix = f"l{layer}{direction}"
                yield f"weight_ih_{suffix}", (gates, width)
                yield f"weight_hh_{suffix}", (gates, out_size)
                if self.bias:
                    yield f"bias_ih_{suffix}", (gates,)
                    yield f"bias_hh_{suffix}", (gates,)
                if self.proj_size:
                    yield f"weight_hr_{suffix}", (self.proj_size, self.hidden_size)

    def reset_parameters(self) -> None:
        bound = 1.0 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def forward(self, input: Tensor, hx: State | None = None) -> tuple[Tensor, State]:
        if input.ndim not in (2, 3):
            raise ValueError(f"LSTM: Expected input to be 2D or 3D, got {input.ndim}D instead")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.shape[-1]}"
            )
        unbatched = input.ndim == 2
        batch = 1 if unbatched else 0 if self.batch_first else 1
        steps = input.unsqueeze(1) if unbatched else input.transpose(0, 1) if self.batch_first else input
        starts = self._starts(steps, hx, unbatched)
        layer_input, ends = steps, []
        for layer in range(self.num_layers):
            outputs = []
            for number, direction in enumerate(self._directions):
                start = starts[layer * len(self._directions) + number]
                output, end = self._run(f"l{layer}{direction}", layer_input, start)
                outputs.append(output)
                ends.append(end)
            layer_input = FUNCTIONS["cat"](outputs, -1) if len(outputs) > 1 else outputs[0]
            if self.dropout and layer < self.num_layers - 1:
                layer_input = F.dropout(layer_input, self.dropout, self.training)
        last, memory = (FUNCTIONS["stack"]([end[which] for end in ends]) for which in (0, 1))
        if unbatched:
            return layer_input.squeeze(1), (last.squeeze(1), memory.squeeze(1))
        return layer_input.transpose(0, 1) if batch == 0 else layer_input, (last, memory)

    def _starts(self, steps: Tensor, hx: State | None, unbatched: bool) -> list[State]:
        """Give each layer and direction the state that it starts in."""
        count = self.num_layers * len(self._directions)
        if hx is None:
            hidden = steps.new_zeros(steps.shape[1], self.proj_size or self.hidden_size)
            return [(hidden, steps.new_zeros(steps.shape[1], self.hidden_size))] * count
        first, memory = (each.unsqueeze(1) if unbatched else each for each in hx)
        wanted = (count, steps.shape[1], self.proj_size or self.hidden_size)
        if tuple(first.shape) != wanted:
            raise RuntimeError(f"Expected hidden[0] size {wanted}, got {list(first.shape)}")
        return [(first[place], memory[place]) for place in range(count)]

    def _run(self, suffix: str, steps: Tensor, state: State) -> tuple[Tensor, State]:
        """Run one layer in one direction over all steps."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        into, back, bias_in, bias_back, project = (self._parameters.get(f"{name}_{suffix}") for name in names)
        inputs = steps.matmul(into.t())  # of all steps at once
        if bias_in is not None:
            inputs = inputs + (bias_in + bias_back)
        hidden, memory = state
        order = range(len(steps) - 1, -1, -1) if suffix.endswith("_reverse") else range(len(steps))
        outputs: list[Any] = [None] * len(steps)
        for step in order:
            gates = inputs[step] + hidden.matmul(back.t())
            enter, forget, candidate, leave = gates.chunk(4, -1)
            memory = forget.sigmoid() * memory + enter.sigmoid() * candidate.tanh()
            hidden = leave.sigmoid() * memory.tanh()
            if project is not None:
                hidden = hidden.matmul(project.t())
            outputs[step] = hidden
        return FUNCTIONS["stack"](outputs), (hidden, memory)

    def extra_repr(self) -> str:
        words = [str(self.input_size), str(self.hidden_size)]
        defaults = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0,
                    "bidirectional": False}  # fmt: skip
        words += [
            f"{name}={getattr(self, name)}" for name, default in defaults.items() if getattr(self, name) != default
        ]
        return ", ".join(words)
