"""torch.multiprocessing: Python's multiprocessing, in which tensors arrive in memory that sender and receiver share."""

import multiprocessing
from multiprocessing import *  # noqa: F403 - all of its names

from assay_reference.core.shared_memory import STRATEGIES, Strategy
from assay_reference.multiprocessing.reductions import init_reductions
from assay_reference.multiprocessing.spawn import (
    ProcessContext,
    ProcessExitedException,
    ProcessRaisedException,
    SpawnContext,
    spawn,
    start_processes,
)

__all__ = [
    "ProcessContext",
    "ProcessExitedException",
    "ProcessRaisedException",
    "SpawnContext",
    "get_all_sharing_strategies",
    "get_sharing_strategy",
    "set_sharing_strategy",
    "spawn",
    "start_processes",
    *multiprocessing.__all__,
]


def get_all_sharing_strategies() -> set[str]:
    """Return the ways in which memory can be shared: as open files, or as files with names."""
    return set(STRATEGIES)


def get_sharing_strategy() -> str:
    """Return the way in which memory is shared."""
    return Strategy.current


def set_sharing_strategy(new_strategy: str) -> None:
    """Choose the way in which memory is shared from now on."""
    if new_strategy not in STRATEGIES:
        raise AssertionError(
            f"invalid sharing strategy {new_strategy!r}, expected one of {get_all_sharing_strategies()}"
        )
    Strategy.choose(new_strategy)


init_reductions()
