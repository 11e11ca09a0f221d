"""One time through a loader, by worker processes."""

from __future__ import annotations

import multiprocessing
import os
import weakref
from itertools import cycle, islice
from multiprocessing.connection import wait
from typing import Any, Final

from assay_reference.utils.data.iteration import Iteration
from assay_reference.utils.data.workers import Assignment, Exhausted, Failure, Task, Worker, shut_down

_END: Final = object()


class ParallelIteration(Iteration):
    """Batches that workers fetch ahead of time; tasks go round, and answers are put in order."""

    def __init__(self, loader: Any) -> None:
        self.workers: list[Worker] = []
        self.epoch = -1
        super().__init__(loader)
        if loader.prefetch_factor <= 0:
            raise AssertionError("prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter")
        # Also when the iteration is dropped half-way, or the program ends.
        self.shut_down = weakref.finalize(self, shut_down, self.workers, os.getpid())
        context = loader.multiprocessing_context or multiprocessing
        for id in range(loader.num_workers):
            assignment = Assignment(loader._fetching, loader.worker_init_fn, id, loader.num_workers, self.base_seed)
            self.workers.append(Worker(context, assignment))
        self.restart()

    def restart(self) -> None:
        super().restart()
        self.epoch += 1
        self.turn = cycle(self.workers)
        self.sent = self.due = 0  # the numbers of the next task to send, and of the next to return
        self.owners: dict[int, Worker] = {}  # of tasks that are not returned yet
        self.answers: dict[int, Any] = {}  # that came before their turn
        for worker in self.workers:
            worker.active, worker.outstanding = True, 0
        for _ in range(self.loader.prefetch_factor * len(self.workers)):
            self.send()

    def send(self) -> None:
        """Give the next indices to the next worker that may have them."""
        worker = next(filter(self.may_have_more, islice(self.turn, len(self.workers))), None)
        if worker is None or (indices := next(self.indices, _END)) is _END:
            return
        worker.send(Task(self.epoch, self.sent, indices))
        worker.outstanding += 1
        self.owners[self.sent] = worker
        self.sent += 1

    def may_have_more(self, worker: Worker) -> bool:
        """Return whether a worker has samples left and, where order does not matter, not its share of tasks yet."""
        share = self.loader.prefetch_factor * len(self.workers) // max(sum(each.active for each in self.workers), 1)
        return worker.active and (self.loader.in_order or worker.outstanding < share)

    def following(self) -> Any:
        while self.awaits():
            if self.due in self.answers:
                return self.returned(self.due)
            number, answer = self.received()
            if isinstance(answer, Exhausted):
                self.owners[number].active = False
                self.send()
                continue
            self.answers[number] = answer
            if not self.loader.in_order:
                return self.returned(number)
        if not self.loader.persistent_workers:
            self.shut_down()
        raise StopIteration

    def awaits(self) -> bool:
        """Go on to the next task that is, or will be, answered; return whether there is one."""
        while self.due < self.sent:
            if self.due in self.answers or (self.due in self.owners and self.owners[self.due].active):
                return True
            self.owners.pop(self.due, None)
            self.due += 1
        return False

    def received(self) -> tuple[int, Any]:
        """Wait for an answer; return it with its number."""
        while True:
            active = {worker.answers: worker for worker in self.workers if worker.active}
            ready: list[Any] = wait(list(active), self.loader.timeout or None)
            if not ready:
                raise RuntimeError(f"DataLoader timed out after {self.loader.timeout} seconds")
            try:
                epoch, number, answer = ready[0].recv()
            except (EOFError, OSError):
                worker = active[ready[0]]
                worker.active = False
                pid = worker.process.pid
                raise RuntimeError(f"DataLoader worker (pid(s) {pid}) exited unexpectedly") from None
            if epoch == self.epoch:
                return number, answer

    def returned(self, number: int) -> Any:
        """Take an answer out, and send another task in its place."""
        answer = self.answers.pop(number)
        self.owners.pop(number).outstanding -= 1
        self.send()
        if isinstance(answer, Failure):
            answer.reraise()
        return answer
