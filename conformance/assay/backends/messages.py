"""Messages between the runner and the process of a backend, whatever their framing is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, Final, NamedTuple, Protocol

from assay.backends.base import Capabilities
from assay.cases.case import Case
from assay.cases.outcome import Outcome

ASKING: Final = ("hello", "run", "ping", "reset", "bye")  # workers of our own know `changes` and `spell` too
LIMIT: Final = 1 << 26  # bytes of a line, of a blob and of a frame that are read at most


class WireError(ValueError):
    """A message that does not follow the protocol; says what is wrong with it."""


class Request(NamedTuple):
    """What the runner asks."""

    id: int
    do: str
    case: Case | None = None


class Reply(NamedTuple):
    """What the process answers: nothing but the id, or one of the others."""

    id: int
    outcome: Outcome | None = None
    hello: Capabilities | None = None
    unusable: str = ""
    fault: str = ""  # why the adapter or harness itself could not answer
    changed: tuple[str, ...] = ()  # what is not as it was when the process started
    text: str = ""


class Framing(Protocol):
    """How messages become bytes; each method raises WireError where bytes are no message."""

    def pack(self, messages: Sequence[Request] | Sequence[Reply]) -> bytes: ...

    def take(self, received: bytearray) -> list[Reply]:
        """Take the next whole replies off the front of what was received; return none if there are none yet."""

    def read(self, stream: BinaryIO) -> list[Request]:
        """Read the next requests from a stream; return none at its end."""
