"""Scenarios: each answered as if one step of its program were changed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from assay.cases.case import Case
from assay.cases.outcome import Outcome
from assay.facets.examples import scenario_case
from assay.mutants.limit import limited
from assay.mutants.mutant import Mutant, Scene
from assay_spec.model import Op, Scenario

_LIMIT: Final = 10.0  # seconds


def mutants(op: Op) -> Iterator[Mutant]:
    for scenario in op.scenarios:
        for what, program in changed_programs(scenario.run):
            yield _mutant(op, scenario, what, program)


def _mutant(op: Op, scenario: Scenario, what: str, program: str) -> Mutant:
    def answer(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
        if case.scenario != scenario.name:
            return outcome
        try:
            with limited(_LIMIT):
                other = scene.ask(scenario_case(op, replace(scenario, run=program)))
        except TimeoutError:
            return outcome
        # A program that breaks is not a different behaviour of the API.
        return outcome if other.raised else other

    kind = "a scenario's step changed"
    return Mutant(f"{kind}: {scenario.name}: {what}", kind, answer)


def changed_programs(source: str) -> Iterator[tuple[str, str]]:
    """Yield a program with one step left out, one boolean argument flipped, or one block without its context."""
    tree = ast.parse(source)
    for body in _bodies(tree):
        for index, step in enumerate(body):
            line = ast.unparse(step).partition("\n")[0]
            if isinstance(step, ast.Expr) and len(body) > 1:
                yield f"without line {step.lineno}, `{line}`", _with(tree, body, index, [])
            if isinstance(step, ast.With):
                yield f"without line {step.lineno}, `{line}`", _with(tree, body, index, step.body)
            if isinstance(step, ast.AugAssign):
                yield f"without line {step.lineno}, `{line}`", _with(tree, body, index, [ast.Pass()])
    named: set[str] = set()
    for node in [each for each in ast.walk(tree) if isinstance(each, ast.Call)]:
        for keyword in node.keywords:
            value = keyword.value
            if isinstance(value, ast.Constant) and isinstance(value.value, bool):
                value.value = not value.value
                what = f"with {keyword.arg}={value.value} on line {node.lineno}"
                yield what if what not in named else f"{what}, column {node.col_offset + 1}", ast.unparse(tree)
                named.add(what)
                value.value = not value.value


def _bodies(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            yield body


def _with(tree: ast.Module, body: list[ast.stmt], index: int, steps: list[ast.stmt]) -> str:
    """Write the program with one statement of one block replaced, and restore the tree."""
    before = body[:]
    body[index : index + 1] = steps
    text = ast.unparse(tree)
    body[:] = before
    return text
