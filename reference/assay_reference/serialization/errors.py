"""What torch.load raises: PyTorch's classes, with what is wrong, in which file, and what to do."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

LONGEST: Final = 1000  # characters of a message, of which some may come from the file
AGAIN: Final = "The file is damaged, or torch.save did not write it: copy it again, or save it again."
UNSAFE: Final = (
    "In PyTorch 2.6, we changed the default value of the `weights_only` argument in `torch.load` from `False` to "
    "`True`. Re-running `torch.load` with `weights_only` set to `False` will likely succeed, but it can result in "
    "arbitrary code execution. Do it only if you got the file from a trusted source."
)
REFUSED: Final = "Weights only load failed. "
OPTIONS: Final = (
    "This file can still be loaded, to do so you have two options, do those steps only if you trust the source of the "
    f"checkpoint. \n\t(1) {UNSAFE}\n\t(2) Alternatively, to load with `weights_only=True` please check the "
    "recommended steps in the following error message.\n\t"
)
ISSUE: Final = (
    "Please file an issue with the following so that we can make `weights_only=True` compatible with your use case:"
)


class NotWeights(pickle.UnpicklingError):
    """What the pickle says may well make sense, but it is not for a file of weights to say."""


class Unlisted(NotWeights):
    """It names a class or function that is not in the table, but may be marked as safe."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"Unsupported global: GLOBAL {path} was not an allowed global by default. Please use "
            f"`torch.serialization.add_safe_globals([{path}])` or the `torch.serialization.safe_globals([{path}])` "
            "context manager to allowlist this global if you trust this class/function."
        )


class Damaged(RuntimeError):
    """The file is not as torch.save left it."""


@contextmanager
def naming(name: str, weights_only: bool) -> Iterator[None]:
    """Let every error say which file it is about, and what to do."""
    refused = REFUSED if weights_only else ""
    try:
        yield
    except Unlisted as error:
        raise pickle.UnpicklingError(f"{name}: {REFUSED}{OPTIONS}WeightsUnpickler error: {shown(error)}") from None
    except NotWeights as error:
        said = f"{UNSAFE} {ISSUE} WeightsUnpickler error: {shown(error)}"
        raise pickle.UnpicklingError(f"{name}: {REFUSED}{said}") from error.__cause__
    except pickle.UnpicklingError as error:
        raise pickle.UnpicklingError(f"{name}: {refused}{shown(error)} {AGAIN}") from error.__cause__
    except EOFError as error:
        raise EOFError(f"{name}: {shown(error)} {AGAIN}") from error.__cause__
    except Damaged as error:
        raise RuntimeError(f"{name}: {shown(error)} {AGAIN}") from error.__cause__
    except Exception as error:
        put_name(error, name)
        raise


@contextmanager
def naming_record(name: str) -> Iterator[None]:
    """Let errors that are about the contents of a record say which, unless they do."""
    try:
        yield
    except (pickle.UnpicklingError, EOFError, Damaged) as error:
        if not isinstance(error, NotWeights) and "record" not in str(error):
            error.args = (f"In the record {name!r}: {error}",)
        raise
    except UnicodeDecodeError as error:
        error.reason = f"{error.reason}, in the record {name!r}"
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
