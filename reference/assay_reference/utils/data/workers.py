"""Worker processes: what one is told, what it does, and how it answers."""

from __future__ import annotations

import os
import random
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue
from time import monotonic
from typing import Any, Final

import numpy as np

from assay_reference.core.generator import default_generator
from assay_reference.core.threads import set_num_threads
from assay_reference.utils.data.fetching import Fetch, Fetching

_PATIENCE: Final = 5  # seconds that workers have to end by themselves


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """What a worker knows of itself."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


class _Here:
    info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Return what the worker that this process is knows of itself, or None if it is none."""
    return _Here.info


@dataclass(frozen=True, slots=True)
class Task:
    """Indices to fetch, numbered within an epoch."""

    epoch: int
    number: int
    indices: Any


class Exhausted:
    """The answer of a worker whose iterable dataset is at its end."""


class Failure:
    """The answer of a worker that raised an exception."""

    def __init__(self, error: Exception, worker: int) -> None:
        self.kind = type(error)
        original = "".join(traceback.format_exception(error))
        self.message = f"Caught {self.kind.__name__} in DataLoader worker process {worker}.\nOriginal {original}"

    def reraise(self) -> None:
        """Raise an exception of the same class, whose message has the traceback."""
        message = _Plain(self.message) if self.kind is KeyError else self.message
        try:
            error = self.kind(message)
        except Exception:  # it takes other arguments than a message
            raise RuntimeError(self.message) from None
        raise error


class _Plain(str):
    """A text that is shown as it is: a KeyError shows the repr of its key."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker is started with."""

    fetching: Fetching
    worker_init_fn: Callable[[int], Any] | None
    id: int
    num_workers: int
    base_seed: int


class Worker:
    """A worker as its loader sees it."""

    def __init__(self, context: Any, assignment: Assignment) -> None:
        inbox, self.tasks = context.Pipe(duplex=False)
        self.answers, outbox = context.Pipe(duplex=False)
        theirs, ours = (inbox, outbox), (self.tasks, self.answers)
        self.process = context.Process(target=_run, args=(assignment, *theirs, ours), daemon=True)
        self.process.start()
        for end in theirs:
            end.close()
        self.active = True  # has samples left in this epoch
        self.outstanding = 0  # tasks that it has not answered

    def send(self, task: Task | None) -> None:
        """Hand a worker a task, or None to end it; that one is dead shows when its answer is awaited."""
        with suppress(OSError):
            self.tasks.send(task)


def shut_down(workers: Sequence[Worker], owner: int) -> None:
    """End workers, by force those that do not end by themselves; only the process that started them does."""
    if os.getpid() != owner:
        return
    for worker in workers:
        worker.send(None)
        worker.answers.close()
    deadline = monotonic() + _PATIENCE
    for worker in workers:
        worker.process.join(max(deadline - monotonic(), 0))
        if worker.process.is_alive():
            worker.process.terminate()
            worker.process.join()
        worker.tasks.close()


def _run(assignment: Assignment, inbox: Connection, outbox: Connection, not_ours: Sequence[Connection]) -> None:
    """Work until there is nothing left to do, or nobody left to do it for."""
    for end in not_ours:
        end.close()
    received: SimpleQueue[Task | None] = SimpleQueue()
    # A thread of its own empties the inbox, so that the loader never waits until a task is taken.
    threading.Thread(target=_receive, args=(inbox, received), daemon=True).start()
    _seed(assignment.base_seed, assignment.id)
    seed = assignment.base_seed + assignment.id
    _Here.info = WorkerInfo(assignment.id, assignment.num_workers, seed, assignment.fetching.dataset)
    with suppress(KeyboardInterrupt, BrokenPipeError):
        _work(assignment, received, outbox)


def _receive(inbox: Connection, received: SimpleQueue[Task | None]) -> None:
    task = None
    while True:
        try:
            task = inbox.recv()
        except EOFError:  # the loader's process is gone
            task = None
        received.put(task)
        if task is None:
            return


def _seed(base_seed: int, id: int) -> None:
    """Start all random numbers of a worker, and let it use one thread."""
    set_num_threads(1)
    random.seed(base_seed + id)
    default_generator.manual_seed(base_seed + id)
    parts = [id, base_seed % 2**32, base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(parts).generate_state(4))  # otherwise it would repeat Python's


def _work(assignment: Assignment, received: SimpleQueue[Task | None], outbox: Connection) -> None:
    fetch: Fetch | Failure = _begun(assignment)
    epoch, exhausted = 0, False
    while (task := received.get()) is not None:
        if task.epoch != epoch:
            epoch, exhausted, fetch = task.epoch, False, assignment.fetching.begin()
        if exhausted:
            continue
        answer: Any
        if isinstance(fetch, Failure):
            answer, fetch = fetch, assignment.fetching.begin()
        else:
            answer = _fetched(fetch, task.indices, assignment)
        exhausted = isinstance(answer, Exhausted)
        try:
            outbox.send((task.epoch, task.number, answer))
        except BrokenPipeError:
            raise
        except Exception as error:  # it cannot be pickled, or the class of its exception cannot
            reason = answer if isinstance(answer, Failure) else Failure(error, assignment.id)
            reason.kind = RuntimeError
            outbox.send((task.epoch, task.number, reason))


def _begun(assignment: Assignment) -> Fetch | Failure:
    try:
        if assignment.worker_init_fn is not None:
            assignment.worker_init_fn(assignment.id)
        return assignment.fetching.begin()
    except Exception as error:
        return Failure(error, assignment.id)


def _fetched(fetch: Fetch, indices: Any, assignment: Assignment) -> Any:
    try:
        return fetch(indices)
    except Exception as error:
        if isinstance(error, StopIteration) and assignment.fetching.streams:
            return Exhausted()
        return Failure(error, assignment.id)
