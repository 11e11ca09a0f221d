"""L-BFGS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from assay_reference.core.grad_mode import enable_grad, no_grad
from assay_reference.core.tensor import Tensor
from assay_reference.ops.complex_numbers import view_as_real
from assay_reference.ops.creation import zeros_like
from assay_reference.ops.joining import cat
from assay_reference.optim.line_search import Point, strong_wolfe
from assay_reference.optim.optimizer import Closure, Group, Optimizer
from assay_reference.optim.options import check_options, keeps_options, scalar

_KEPT: Final = ("d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss")


class LBFGS(Optimizer):
    """Newton's steps by a Hessian that is known from the last gradients only (Liu and Nocedal, 1989)."""

    @keeps_options
    def __init__(
        self, params: Any, lr: Any = 1, max_iter: int = 20, max_eval: int | None = None, tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9, history_size: int = 100, line_search_fn: str | None = None,
    ) -> None: ...  # fmt: skip

    def _begin(self, params: Any, options: Group) -> None:
        """Start with the options that it was constructed with."""
        check_options(options)
        if options["max_eval"] is None:
            options["max_eval"] = options["max_iter"] * 5 // 4
        Optimizer.__init__(self, params, options)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @no_grad()
    def step(self, closure: Closure) -> Any:  # type: ignore[override]
        """Move all parameters at once, by up to max_iter iterations; return the loss before them."""
        if len(self.param_groups) != 1:
            raise AssertionError(f"Expected exactly one param_group, but got {len(self.param_groups)}")
        (group,) = self.param_groups
        problem = Problem(group["params"], enable_grad()(closure))
        state = self.state[group["params"][0]]  # there is one state, kept as that of the first parameter
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        result = problem.closure()
        loss, gradient, evaluations = float(result), problem.gradient(), 1
        state["func_evals"] += 1
        if gradient.abs().max() <= group["tolerance_grad"]:
            return result
        kept: Group = {name: state.get(name) for name in _KEPT}
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            _aim(gradient, state, kept, group)
            kept["prev_loss"] = loss
            start = Point(0, loss, gradient, gradient.dot(kept["d"]))
            if start.slope > -group["tolerance_change"]:
                break
            kept["t"], loss, gradient, count = _walk(
                problem, start, kept, group, group["max_eval"] - evaluations, iteration == group["max_iter"]
            )
            evaluations += count
            state["func_evals"] += count
            if (
                evaluations >= group["max_eval"]
                or gradient.abs().max() <= group["tolerance_grad"]
                or (kept["d"] * kept["t"]).abs().max() <= group["tolerance_change"]
                or abs(loss - kept["prev_loss"]) < group["tolerance_change"]
            ):
                break
        state.update(kept)
        return result


@dataclass(frozen=True)
class Problem:
    """What is minimised: parameters, taken as one vector of real numbers, and their loss."""

    parameters: list[Tensor]
    closure: Closure

    def gradient(self) -> Tensor:
        """Return all gradients in one vector."""
        found: Tensor = cat([_reals(zeros_like(each) if each.grad is None else each.grad) for each in self.parameters])
        return found

    def move(self, direction: Tensor, step: Any) -> None:
        """Move all parameters along a direction."""
        offset = 0
        for each in self.parameters:
            real = view_as_real(each) if each.is_complex() else each
            real.add_(direction[offset : offset + real.numel()].reshape(real.shape) * step)
            offset += real.numel()

    def at(self, direction: Tensor, step: Any) -> Point:
        """Return the point at some step along a direction; the parameters stay where they are."""
        before = [each.clone() for each in self.parameters]
        self.move(direction, step)
        loss, gradient = float(self.closure()), self.gradient()
        for parameter, each in zip(self.parameters, before, strict=True):
            parameter.copy_(each)
        return Point(step, loss, gradient, gradient.dot(direction))


def _reals(gradient: Tensor) -> Tensor:
    dense = gradient.to_dense() if gradient.is_sparse else gradient
    flat: Tensor = (view_as_real(dense) if dense.is_complex() else dense).reshape(-1)
    return flat


def _aim(gradient: Tensor, state: Group, kept: Group, group: Group) -> None:
    """Choose the direction and the first step along it, and keep the gradient for the next iteration."""
    rate = scalar(group["lr"])
    if state["n_iter"] == 1:
        kept.update(d=-gradient, t=min(1.0, 1.0 / gradient.abs().sum()) * rate)
        kept.update(old_dirs=[], old_stps=[], ro=[], H_diag=1, prev_flat_grad=gradient.clone())
        return
    _learn(gradient - kept["prev_flat_grad"], kept["d"] * kept["t"], kept, group["history_size"])
    weights = state.setdefault("al", [None] * group["history_size"])
    kept.update(d=_newton(-gradient, weights, kept), t=rate)
    kept["prev_flat_grad"].copy_(gradient)


def _learn(change: Tensor, step: Tensor, kept: Group, size: int) -> None:
    """Remember how the gradient changed with a step, unless the loss does not curve upwards along it."""
    curvature = change.dot(step)
    if not curvature > 1e-10:
        return
    for name, each in (("old_dirs", change), ("old_stps", step), ("ro", 1.0 / curvature)):
        if len(kept[name]) == size:
            kept[name].pop(0)
        kept[name].append(each)
    kept["H_diag"] = curvature / change.dot(change)


def _newton(direction: Any, weights: list[Any], kept: Group) -> Any:
    """Multiply by the inverse Hessian that the remembered steps tell of (Nocedal, 1980)."""
    history = list(enumerate(zip(kept["old_dirs"], kept["old_stps"], kept["ro"], strict=True)))
    for index, (change, step, scale) in reversed(history):
        weights[index] = step.dot(direction) * scale
        direction = direction - change * weights[index]
    direction = direction * kept["H_diag"]
    for index, (change, step, scale) in history:
        direction = direction + step * (weights[index] - change.dot(direction) * scale)
    return direction


def _walk(
    problem: Problem, start: Point, kept: Group, group: Group, left: int, last: bool
) -> tuple[Any, float, Tensor, int]:
    """Move along the direction; return the step, the loss and the gradient there, and how often they were evaluated."""
    direction = kept["d"]
    if group["line_search_fn"] is None:
        problem.move(direction, kept["t"])
        if last:  # nobody needs to know them
            return kept["t"], start.loss, start.gradient, 0
        return kept["t"], float(problem.closure()), problem.gradient(), 1
    if group["line_search_fn"] != "strong_wolfe":
        raise RuntimeError("only 'strong_wolfe' is supported")
    size = direction.abs().max()
    found, count = strong_wolfe(
        lambda step: problem.at(direction, step),
        start,
        kept["t"],
        lambda width: bool(abs(width) * size < group["tolerance_change"]),
        left,
    )
    problem.move(direction, found.step)
    return found.step, found.loss, found.gradient, count
