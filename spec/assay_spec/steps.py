"""Steps: what a trace is made of, as plain data. A case is a trace; so is a scenario, and the body of a closure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Form = Literal[
    "function",  # target names a function or a class of the library
    "method",  # of the first argument
    "operator",
    "reflected",  # an operator whose first argument is a number
    "in-place",  # the method `target_`
    "in-place operator",
    "out",  # a function that is given out=
    "attribute",  # of the first argument
    "set attribute",  # of the first argument, to the second
    "iterate",  # all that the first argument has, one after the other
    "value",  # the first argument itself, under a name
    "builtin",  # a function of Python's own
    "program",  # target is Python source; what its arguments name is looked at after it
]
Value = Any  # numbers, text, tensors, dtypes, slices, references, functions, and tuples, lists and dicts of them


@dataclass(frozen=True, slots=True)
class Ref:
    """What an earlier step gave, or a part of it: numbers in the path are positions, words are attributes or keys."""

    name: str
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """A class, a constant or another thing that the library has under a name (`torch.strided`), or Python itself."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One thing done, and the name under which it is found. The call that a case is about has none."""

    target: str
    arguments: Mapping[str, Value] = field(default_factory=dict)  # by name, or by position as "0", "1", …
    positional: tuple[str, ...] = ()  # which of them go by position; the rest go by name
    form: Form = "function"
    name: str = ""
    unpacked: str | None = None  # the positional one that stands for many: `*args`

    @property
    def short(self) -> str:
        """The last part of the target: `add` of `torch.add`."""
        return self.target.rpartition(".")[2]


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A closure as a value: steps that are taken when it is called, and see what the steps around it gave."""

    parameters: tuple[str, ...]
    steps: tuple[Step, ...]
    result: Value = None


@dataclass(frozen=True, slots=True)
class Look:
    """A value that is looked at as soon as a step has been taken."""

    at: Value
    after: str = ""  # the name of that step


def positions(values: tuple[Value, ...]) -> dict[str, Value]:
    """Return positional arguments under their numbers."""
    return {str(index): value for index, value in enumerate(values)}
