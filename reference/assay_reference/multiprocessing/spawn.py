"""The same function in several processes, of which the first that fails ends the others."""

from __future__ import annotations

import multiprocessing
import secrets
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import connection, util
from pathlib import Path
from typing import Any, Final

_PATIENCE: Final = 30.0  # seconds that processes have to end when they are asked to


class ProcessException(Exception):
    """One of the processes failed."""

    def __init__(self, msg: str, error_index: int, error_pid: int) -> None:
        super().__init__(msg)
        self.msg, self.error_index, self.error_pid = msg, error_index, error_pid

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.msg, self.error_index, self.error_pid)


class ProcessRaisedException(ProcessException):
    """One of the processes raised an exception."""


class ProcessExitedException(ProcessException):
    """One of the processes ended by a signal, or with an exit code."""

    def __init__(
        self, msg: str, error_index: int, error_pid: int, exit_code: int, signal_name: str | None = None
    ) -> None:
        super().__init__(msg, error_index, error_pid)
        self.exit_code, self.signal_name = exit_code, signal_name

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.msg, self.error_index, self.error_pid, self.exit_code, self.signal_name)


class ProcessContext:
    """Processes that belong together."""

    def __init__(self, processes: Sequence[Any], error_files: Sequence[Path]) -> None:
        self.processes, self.error_files = processes, error_files
        self.sentinels = {process.sentinel: index for index, process in enumerate(processes)}

    def pids(self) -> list[int]:
        """Return the numbers of the processes."""
        return [process.pid for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Wait until one process ends; return whether all have, or end all and raise if one has failed."""
        for sentinel in connection.wait(list(self.sentinels), timeout) if self.sentinels else ():
            index = self.sentinels.pop(sentinel)
            self.processes[index].join()
            if self.processes[index].exitcode:
                self._end(_PATIENCE if grace_period is None else grace_period)
                raise self._failure(index)
        return not self.sentinels

    def _end(self, patience: float) -> None:
        """End the processes, by force those that do not when they are asked to."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.join(patience)
            if process.is_alive():
                process.kill()
            process.join()

    def _failure(self, index: int) -> ProcessException:
        """Return how a process ended."""
        process = self.processes[index]
        with suppress(FileNotFoundError):
            told = self.error_files[index].read_text()
            return ProcessRaisedException(
                f"\n\n-- Process {index} terminated with the following error:\n{told}", index, process.pid
            )
        code, name = process.exitcode, None
        how = f"exit code {code}"
        if code < 0:
            name = signal.Signals(-code).name
            how = f"signal {name}"
        return ProcessExitedException(f"process {index} terminated with {how}", index, process.pid, code, name)


SpawnContext = ProcessContext


def _run(fn: Callable[..., Any], index: int, args: tuple[Any, ...], error_file: Path) -> None:
    """Call the function; what it raises is written to a file."""
    try:
        fn(index, *args)
    except KeyboardInterrupt:
        pass  # the process that started this one has been told, too
    except Exception:
        error_file.write_text(traceback.format_exc())
        sys.exit(1)


def start_processes(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Call a function in processes, each with its number first; wait for them, or return what can be waited for."""
    context: Any = multiprocessing.get_context(start_method)
    folder = Path(util.get_temp_dir())  # which Python removes
    processes, error_files = [], [folder / secrets.token_hex(8) for _ in range(nprocs)]
    for index, error_file in enumerate(error_files):
        process = context.Process(target=_run, args=(fn, index, args, error_file), daemon=daemon)
        process.start()
        processes.append(process)
    started = ProcessContext(processes, error_files)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Call a function in new processes, which import it; there is no choice of how they are started."""
    if start_method != "spawn":
        warnings.warn(
            f"This method only supports start_method=spawn (got: {start_method}).\n"
            "To use a different start_method use:\n\t\t torch.multiprocessing.start_processes(...)",
            FutureWarning,
            stacklevel=2,
        )
    return start_processes(fn, args, nprocs, join, daemon)
