"""What torch.load raises: PyTorch's classes, with what is wrong, in which file, and what to do."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

LONGEST: Final = 1000  # characters of a message, of which some may come from the file
AGAIN: Final = "The file is damaged, or torch.save did not write it: copy it again, or save it again."
TRUST: Final = (
    "If the file is whole, and you trust where it comes from, torch.load with weights_only=False reads it, and runs "
    "what it says."
)


class NotWeights(pickle.UnpicklingError):
    """What the pickle says may well make sense, but it is not for a file of weights to say."""


class Damaged(RuntimeError):
    """The file is not as torch.save left it."""


@contextmanager
def naming(name: str, weights_only: bool) -> Iterator[None]:
    """Let every error say which file it is about, and what to do."""
    refused, trust = ("Weights only load failed. ", TRUST) if weights_only else ("", AGAIN)
    try:
        yield
    except NotWeights as error:
        raise pickle.UnpicklingError(f"{name}: {refused}{shown(error)} {trust}") from error.__cause__
    except pickle.UnpicklingError as error:
        raise pickle.UnpicklingError(f"{name}: {refused}{shown(error)} {AGAIN}") from error.__cause__
    except EOFError as error:
        raise EOFError(f"{name}: {shown(error)} {AGAIN}") from error.__cause__
    except Damaged as error:
        raise RuntimeError(f"{name}: {shown(error)} {AGAIN}") from error.__cause__
    except Exception as error:
        put_name(error, name)
        raise


def put_name(error: Exception, name: str) -> None:
    """Put the name of the file before what an error says."""
    if isinstance(error, OSError) and error.errno is not None:
        error.filename = error.filename or name
    elif isinstance(error, ImportError):
        error.msg = f"{name}: {error.msg}"
    elif isinstance(error, UnicodeDecodeError):
        error.reason = f"{error.reason} (in {name})"
    elif str(error) == "".join(map(str, error.args)):
        error.args = (f"{name}: {shown(error)}",)
    else:
        error.add_note(f"It was raised when {name} was read.")


def shown(error: Exception) -> str:
    """Return what an error says, in so far as it is printable, for some of it may come from the file."""
    text = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in str(error)) or type(error).__name__
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} [...] {text[-LONGEST // 2 :]}"
