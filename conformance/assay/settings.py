"""Settings: what a run does. Each is defined once, and every command line is derived from here.

Whoever runs pytest on a machine that has Assay imports this module, so it imports nothing heavy.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from assay_reports.vocabulary import Effort
from assay_spec.editions import Edition

Command = Literal["run", "repro", "pytest", "list", "mutants"]


_LONGEST = 86_400.0  # seconds that a case may be given


class Shown(NamedTuple):
    """How a setting appears on the command lines that have an option for it."""

    commands: str
    help: str
    metavar: str | None = None
    short: str | None = None


@dataclass(frozen=True)
class Settings:
    """What a run does; the settings that `repro` takes too determine the result of an item."""

    backend: Annotated[
        str,
        Shown(
            "run repro pytest mutants",
            "The candidate: reference, torch, numpy, jax, paddle, tinygrad,"
            " namespace:MODULE, module:Class or exec:COMMAND.",
            "BACKEND",
            "b",
        ),
    ] = "reference"
    oracle: Annotated[
        str | None,
        Shown(
            "run repro pytest mutants",
            "The backend whose answer counts, or none; PyTorch if it is installed, else reference.",
            "BACKEND",
        ),
    ] = None
    device: Annotated[str, Shown("run repro pytest", "The device that the candidate computes on.", "DEVICE")] = "cpu"
    filter: Annotated[
        str, Shown("run pytest list mutants", "Which items, e.g. 'op:torch.nn.* facet:gradient'.", "QUERY")
    ] = ""
    edition: Annotated[Edition, Shown("run repro pytest list", "PyTorch as it is, or as the documents show it.")] = (
        "current"
    )
    effort: Annotated[Effort, Shown("run repro pytest mutants", "How many cases to draw.")] = "standard"
    seed: Annotated[int, Shown("run repro pytest mutants", "The seed of the random cases.", "NUMBER")] = 0
    shard: Annotated[str, Shown("run pytest", "Run the I-th of N parts.", "I/N")] = "1/1"
    time_limit: Annotated[
        float, Shown("run repro pytest", "Seconds that the candidate may take for one case.", "SECONDS")
    ] = 30.0
    results: Annotated[Path | None, Shown("pytest", "Write the results here, as JSON lines.", "FILE")] = None
    expect: Annotated[Path | None, Shown("run pytest", "What is known to fail.", "FILE")] = None
    resume: Annotated[bool, Shown("run pytest", "Continue the results file where it stopped.")] = False
    jobs: Annotated[str, Shown("run mutants", "Worker processes.", "N|auto", "j")] = "auto"
    out: Annotated[Path, Shown("run mutants", "Where results and report go.", "FOLDER", "o")] = Path("out")

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[1-9]\d*/[1-9]\d*", self.shard):
            raise ValueError(f"--shard {self.shard}: write it as I/N, like 2/4")
        part, parts = self.part
        if part > parts:
            raise ValueError(f"--shard {self.shard}: there is no part {part} of {parts}")
        if self.jobs != "auto" and not re.fullmatch(r"[1-9]\d{0,3}", self.jobs):
            raise ValueError(f"--jobs {self.jobs}: write a number from 1, or auto")
        if not 0 < self.time_limit <= _LONGEST:
            raise ValueError(f"--time-limit {self.time_limit:g}: write a number of seconds above 0, up to {_LONGEST:g}")

    @property
    def part(self) -> tuple[int, int]:
        """The part of the items to run, and the number of parts."""
        part, _, parts = self.shard.partition("/")
        return int(part), int(parts)

    def given(self, command: Command) -> dict[str, Any]:
        """Return the settings that a command needs to do the same: the backend, and those not at their default."""
        values = {each: getattr(self, each.name) for each in options(command)}
        return {each.name: value for each, value in values.items() if value != each.default or each.name == "backend"}

    def to_json(self) -> str:
        """Return the settings as JSON, for another process."""
        return json.dumps({each.name: getattr(self, each.name) for each in fields(self)}, default=str)

    @classmethod
    def of_json(cls, text: str) -> Settings:
        """Read what `to_json` wrote."""
        content = json.loads(text)
        kinds = {each.name: each.kind for each in options()}
        values: dict[str, Any] = {
            name: None if value is None else kinds[name](value) for name, value in content.items()
        }
        return cls(**values)


class Option(NamedTuple):
    """One setting as an option of a command line."""

    name: str
    default: Any
    kind: type
    choices: tuple[str, ...]
    shown: Shown

    @property
    def flag(self) -> str:
        return self.name.replace("_", "-")


@cache
def options(command: Command | None = None) -> tuple[Option, ...]:
    """List the settings that a command has an option for; all of them if no command is named."""
    hints = get_type_hints(Settings, include_extras=True)
    found = []
    for each in fields(Settings):
        hint, shown = get_args(hints[each.name])
        if command is None or command in shown.commands.split():
            found.append(Option(each.name, each.default, *_kind(hint), shown))
    return tuple(found)


def _kind(hint: Any) -> tuple[type, tuple[str, ...]]:
    """Return the type of a setting's value, and the choices if it is one of several words."""
    if get_origin(hint) is Literal:
        return str, get_args(hint)
    return next(each for each in get_args(hint) or (hint,) if each is not NoneType), ()
