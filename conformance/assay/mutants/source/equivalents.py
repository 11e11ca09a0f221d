"""The mutants of the source that nothing may kill, and the code that no item can see: listed with the reasons."""

# No `from __future__ import annotations`: the annotations are read as they stand.

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from assay.mutants.source.making import SourceMutant
from assay_spec.documents import SpecError, read
from assay_spec.typed import Mismatch, key
from assay_spec.typed import read as read_as

FILE: Final = Path(__file__).with_name("equivalent.yaml")


@dataclass(frozen=True, kw_only=True)
class OutOfReach:
    """Code of the reference that no item on a CPU can see."""

    file: str = key("the file, in the reference's package")
    function: str = key("the function or class, if it is not all of the file", "")
    because: str = key("why no item can see it")

    def holds(self, mutant: SourceMutant) -> bool:
        """Return whether a mutant is in this code."""
        inside = not self.function or f"{mutant.function}.".startswith(f"{self.function}.")
        return mutant.file == self.file and inside


@dataclass(frozen=True, kw_only=True)
class Equivalent:
    """A change to the source that makes no difference that a user could rely on."""

    file: str = key("the file, in the reference's package")
    function: str = key("the definition that the statement is in", "")
    before: str = key("the statement, as `assay mutants --source` prints it")
    after: str = key("the changed statement")
    occurrence: int = key("which of the equal changes in that function", 1)
    because: str = key("why either is right")

    def is_of(self, mutant: SourceMutant) -> bool:
        """Return whether this is about a mutant."""
        mine = self.file, self.function, self.before, self.after, self.occurrence
        return mine == (mutant.file, mutant.function, mutant.before, mutant.after, mutant.occurrence)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """What is listed."""

    out_of_reach: tuple[OutOfReach, ...] = key("code that no item can see", ())
    equivalent: tuple[Equivalent, ...] = key("changes that make no difference", ())

    def because(self, mutant: SourceMutant) -> str | None:
        """Return why nothing may kill a mutant, or None if it is not listed."""
        return next((each.because for each in self.equivalent if each.is_of(mutant)), None)

    def reached(self, mutants: Sequence[SourceMutant]) -> list[SourceMutant]:
        """Return the mutants in code that items can see."""
        return [mutant for mutant in mutants if not any(each.holds(mutant) for each in self.out_of_reach)]

    def stale(self, mutants: Sequence[SourceMutant]) -> list[str]:
        """Return a line for each entry of which there is no mutant any more."""
        return [
            *(f"{each.file} {each.function}: out of reach, but has no mutant"
              for each in self.out_of_reach if not any(map(each.holds, mutants))),
            *(f"{each.file} {each.function}: {each.before} -> {each.after}: equivalent, but is no mutant"
              for each in self.equivalent if not any(map(each.is_of, mutants))),
        ]  # fmt: skip


def listed(file: Path = FILE) -> Listed:
    """Read the list; raise SpecError where it is not valid."""
    document = read(file)
    try:
        found: Listed = read_as(Listed, document.content)
    except Mismatch as error:
        raise SpecError(file, document.line(*error.path), error.message, error.hint) from None
    return found
