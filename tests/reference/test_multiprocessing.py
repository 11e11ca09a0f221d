"""Tensors in memory that processes share: against real PyTorch, and that nothing of it stays behind."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import assay_reference as reference

mp = reference.multiprocessing
SHM = Path("/dev/shm")

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")


def names() -> set[str]:
    return {each.name for each in SHM.iterdir() if each.name.startswith("assay_")} if SHM.is_dir() else set()


@pytest.fixture(autouse=True)
def _nothing_stays_behind() -> Iterator[None]:
    before = names()
    yield
    gc.collect()
    assert names() <= before


@pytest.fixture(params=["file_descriptor", "file_system"])
def _strategy(request: pytest.FixtureRequest) -> Iterator[None]:
    with strategy(reference, request.param):
        yield


@contextmanager
def strategy(library: Any, name: str) -> Iterator[None]:
    usual = library.multiprocessing.get_sharing_strategy()
    library.multiprocessing.set_sharing_strategy(name)
    try:
        yield
    finally:
        library.multiprocessing.set_sharing_strategy(usual)


# -- in one process: what is shared, and how it arrives ---------------------------------------------------------------

PROGRAMS = """
x = torch.ones(3); x.is_shared(), x.share_memory_() is x, x.is_shared(), x.share_memory_() is x, x._version
x = torch.ones(4); v = x[1:]; d = x.data; x.share_memory_(); x[2] = 7; v, d, v.is_shared(), d.data_ptr() == x.data_ptr()
x = torch.ones(4).share_memory_(); x.data_ptr() == x.view(2, 2).data_ptr(), x.clone().is_shared(), (x + 1).is_shared()
x = torch.ones(4).share_memory_(); x.add_(1).is_shared(), x.untyped_storage().clone().is_shared()
x = torch.ones(4).share_memory_(); x.untyped_storage()[4:8].is_shared(), x.resize_(2).is_shared()
x = torch.ones(4); s = x.untyped_storage(); s.share_memory_() is s, x.is_shared(), s.resizable(), s.filename
x = torch.ones(4); x.storage().share_memory_(); x.is_shared(), x.storage().is_shared()
x = torch.zeros(0); x.is_shared(), x.share_memory_().is_shared()
x = torch.zeros(0, 3); q.put(x); q.get().shape, x.is_shared()
x = torch.tensor(3).share_memory_(); x, x.shape, x.is_shared()
x = torch.arange(6).view(2, 3).t().share_memory_(); x, x.stride(), x.is_shared()
x = torch.ones(2).expand(3, 2).share_memory_(); x, x.stride(), x.is_shared()
a = np.ones(3); x = torch.from_numpy(a).share_memory_(); a[0] = 5; x, a
x = torch.ones(2, dtype=torch.bfloat16); q.put(x); y = q.get(); x.fill_(2); y, y.dtype
x = (torch.ones(3, requires_grad=True) * 2).share_memory_(); x, x.is_shared()
x = torch.ones(3, requires_grad=True); y = x * x; x.share_memory_(); y.sum().backward(); x.grad
x = torch.ones(3).to_sparse(); x.is_shared()
x = torch.ones(3).to_sparse().share_memory_()
x = torch.ones(3, 3).to_mkldnn().is_shared()
x = torch.eye(3).to_mkldnn(); q.put(x)
m = nn.BatchNorm1d(2); m.share_memory() is m, [each.is_shared() for each in (*m.parameters(), *m.buffers())]
m = nn.Linear(2, 2); m(torch.ones(1, 2)).sum().backward(); m.share_memory(); m.weight.grad.is_shared()
x = torch.ones(3); q.put(x); y = q.get(); x.add_(1); x.is_shared(), y.data_ptr() == x.data_ptr(), y
x = torch.ones(3); q.put(x); y = q.get(); y.untyped_storage() == x.untyped_storage(), y is x
x = torch.ones(3); q.put((x, x)); y, z = q.get(); y is z
x = torch.ones(6); q.put((x[1:3], x.view(2, 3).t())); y, z = q.get(); y[0] = 9; y, z, y.storage_offset(), z.stride(), x
x = torch.ones(6); q.put((x[1:3], x)); y, z = q.get(); y.untyped_storage() == z.untyped_storage()
p = nn.Parameter(torch.ones(2)); p.grad = torch.ones(2); q.put(p); y = q.get(); y, type(y) is nn.Parameter, y.grad
p = nn.Parameter(torch.ones(2), requires_grad=False); p.note = 3; q.put(p); y = q.get(); y, hasattr(y, 'note')
x = torch.ones(2, requires_grad=True); q.put(x); y = q.get(); y, y.is_leaf
x = torch.ones(2, requires_grad=True) * 2; q.put(x)
x = torch.ones(2, requires_grad=True) * 2; q.put(x.detach()); q.get()
x = torch.ones(2, requires_grad=True); x.register_hook(abs); q.put(x); q.get()
m = nn.Linear(2, 1); q.put(m); y = q.get(); m.weight.data.fill_(4); y.weight, m.weight.is_shared()
m = nn.Linear(2, 1); m.twin = m.weight; q.put(m); y = q.get(); y.twin is y.weight
x = torch.eye(2).to_sparse(); q.put(x); y = q.get(); x._values().mul_(3); y, x._values().is_shared(), y.is_coalesced()
x = torch.eye(2).to_sparse_csr(); q.put(x); y = q.get(); x.values().mul_(3); y
x = torch.eye(2).untyped_storage(); q.put(x); y = q.get(); y == x, x.is_shared(), y.data_ptr() == x.data_ptr()
x = torch.eye(2).storage(); q.put(x); y = q.get(); x[0] = 5; y.tolist(), y.dtype, x.is_shared()
x = torch.zeros(0).untyped_storage(); q.put(x); len(q.get())
q.put([torch.float32, torch.device('cpu'), torch.Size([1]), torch.strided]); q.get()
pickle.loads(pickle.dumps(torch.ones(2).share_memory_())).is_shared()
sorted(mp.get_all_sharing_strategies()), mp.get_sharing_strategy()
mp.set_sharing_strategy('none')
sorted(name for name in mp.__all__ if not hasattr(mp, name))
e = mp.ProcessExitedException('m', 1, 2, 3, 'S'); e.error_index, e.error_pid, e.exit_code, e.signal_name, e.args
e = pickle.loads(pickle.dumps(mp.ProcessRaisedException('m', 1, 2))); e.msg, e.error_index, e.error_pid, str(e)
mp.start_processes(abs, nprocs=1, start_method='none')
mp.start_processes(abs, nprocs=0, join=False).join(), mp.start_processes(abs, nprocs=0)
"""


def answer(library: Any, program: str) -> str:
    """Return what the last expression of a program gives or raises, and what is warned of."""
    *statements, last = program.split("; ")
    queue = library.multiprocessing.SimpleQueue()
    scope = {"torch": library, "nn": library.nn, "mp": library.multiprocessing, "q": queue, "np": np, "pickle": pickle}
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            for each in statements:
                exec(each, scope)
            found = repr(eval(last, scope))
        except Exception as error:
            message = str(error).replace("{'file_system', 'file_descriptor'}", "{'file_descriptor', 'file_system'}")
            found = f"{type(error).__name__}: {message}"
    queue.close()
    return found + "".join(str(each.message) for each in warned if "hook" in str(each.message))


@pytest.mark.parametrize("program", PROGRAMS.strip().splitlines())
def test_what_is_shared_is_as_in_pytorch(program: str) -> None:
    assert answer(reference, program) == answer(pytest.importorskip("torch"), program)


# -- between processes ------------------------------------------------------------------------------------------------


def started(work: Callable[..., Any], *arguments: Any) -> Any:
    process = mp.get_context("fork").Process(target=work, args=arguments)
    process.start()
    return process


def multiply(inbox: Any, outbox: Any) -> None:
    part = inbox.get()
    part.mul_(10)
    outbox.put("multiplied")
    assert inbox.get() == "overwritten"
    outbox.put(part.tolist())


@pytest.mark.usefixtures("_strategy")
def test_sender_and_receiver_see_each_others_writes() -> None:
    there, back = mp.SimpleQueue(), mp.SimpleQueue()
    whole = reference.arange(6.0)
    process = started(multiply, there, back)

    there.put(whole.view(2, 3)[1])
    assert back.get() == "multiplied"
    assert whole.tolist() == [0, 1, 2, 30, 40, 50]

    whole[4] = 99
    there.put("overwritten")
    assert back.get() == [30, 99, 50]
    process.join(20)
    assert process.exitcode == 0


def step(model: Any, seed: int) -> None:
    reference.manual_seed(seed)
    optimizer = reference.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(60):
        x = reference.randn(8, 2)
        loss = ((model(x) - x.sum(1, keepdim=True)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_several_processes_train_one_model() -> None:
    model = reference.nn.Linear(2, 1).share_memory()

    processes = [started(step, model, seed) for seed in range(2)]
    for each in processes:
        each.join(20)

    assert [each.exitcode for each in processes] == [0, 0]
    assert model.weight.detach().numpy() == pytest.approx(np.ones((1, 2)), abs=0.02)


def doubled(x: Any) -> Any:
    x[0] += 1
    return x * 2


@pytest.mark.usefixtures("_strategy")
def test_a_pool_shares_what_its_tasks_take_and_give() -> None:
    given = [reference.ones(2), reference.zeros(2)]

    with mp.get_context("fork").Pool(2) as pool:
        taken = pool.map(doubled, given)
        pool.close()
        pool.join()

    assert [each.tolist() for each in given] == [[2, 1], [1, 0]]
    assert [each.tolist() for each in taken] == [[4, 2], [2, 0]]
    assert all(each.is_shared() for each in taken)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="there is no folder of open files")
@pytest.mark.usefixtures("_strategy")
def test_what_is_dropped_is_given_back() -> None:
    queue = mp.SimpleQueue()
    queue.put(reference.ones(2))
    before = queue.get().numel() and len(os.listdir("/proc/self/fd"))

    kept = []
    for _ in range(20):
        queue.put(reference.ones(2))
        kept.append(queue.get())
    assert len({each.data_ptr() for each in kept}) == 20
    kept.clear()

    assert len(os.listdir("/proc/self/fd")) <= before + 2  # the thread that hands over the last may still be at it


def send_and_end(queue: Any) -> None:
    queue.put(reference.arange(3))


def test_what_has_a_name_outlives_its_sender() -> None:
    with strategy(reference, "file_system"):
        queue = mp.Queue()
        process = started(send_and_end, queue)
        process.join(20)

        assert (process.exitcode, queue.get().tolist()) == (0, [0, 1, 2])
        queue.close()
        queue.join_thread()


def test_the_way_of_sharing_may_change() -> None:
    queue, x = mp.SimpleQueue(), reference.ones(2).share_memory_()

    with strategy(reference, "file_system"):
        queue.put(x)
        queue.get()[0] = 5

    assert x.tolist() == [5, 1]


def wait_forever(queue: Any, outbox: Any) -> None:
    received = queue.get()
    outbox.put(received.tolist())
    time.sleep(60)


def test_a_killed_receiver_takes_its_memory_along() -> None:
    queue, outbox = mp.SimpleQueue(), mp.SimpleQueue()
    process = started(wait_forever, queue, outbox)
    queue.put(reference.ones(2))
    assert outbox.get() == [1, 1]

    os.kill(process.pid, signal.SIGKILL)
    process.join(20)

    assert process.exitcode == -signal.SIGKILL


def fail(index: int, how: str) -> None:
    if index == 1 and how == "raises":
        raise ValueError("no")
    if index == 1 and how == "exits":
        sys.exit(3)
    if index == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def test_an_exception_ends_all_processes_and_is_told() -> None:
    with pytest.raises(mp.ProcessRaisedException) as raised:
        mp.start_processes(fail, ("raises",), nprocs=2, start_method="fork")

    assert str(raised.value).startswith(
        "\n\n-- Process 1 terminated with the following error:\nTraceback (most recent "
    )
    assert str(raised.value).endswith("ValueError: no\n")
    assert raised.value.error_index == 1


@pytest.mark.parametrize(
    ("how", "message", "code", "name"),
    [
        ("exits", "process 1 terminated with exit code 3", 3, None),
        ("is killed", "process 1 terminated with signal SIGKILL", -9, "SIGKILL"),
    ],
)
def test_a_process_that_ends_otherwise_ends_all(how: str, message: str, code: int, name: str | None) -> None:
    context = mp.start_processes(fail, (how,), nprocs=2, join=False, start_method="fork")
    assert context.pids() == [each.pid for each in context.processes]

    with pytest.raises(mp.ProcessExitedException) as raised:
        context.join()

    found = raised.value
    assert (str(found), found.exit_code, found.signal_name, found.error_pid) == (message, code, name, context.pids()[1])
    assert not any(each.is_alive() for each in context.processes)


def test_spawn_warns_of_other_ways_to_start() -> None:
    with pytest.warns(FutureWarning) as warned:
        mp.spawn(abs, nprocs=0, start_method="fork")

    assert str(warned[0].message) == (
        "This method only supports start_method=spawn (got: fork).\n"
        "To use a different start_method use:\n\t\t torch.multiprocessing.start_processes(...)"
    )


def test_processes_are_waited_for_as_long_as_is_said() -> None:
    context = mp.start_processes(time.sleep, nprocs=2, join=False, start_method="fork")

    assert context.join(timeout=0.01) is False
    while not context.join():
        pass
    assert context.join() is True


# -- whole programs, on the reference and on PyTorch ------------------------------------------------------------------

PROGRAM = """
import sys
import torch
import torch.multiprocessing as mp
from torch.multiprocessing.spawn import ProcessContext

def write(index, x, model, queue, received):
    x[index] = index + 1
    with torch.no_grad():
        model.weight[0, index] = 5 + index
    queue.put(x[index:][:1] * 2)
    received.wait()

if __name__ == "__main__":
    method, strategy = sys.argv[1:]
    mp.set_start_method(method)
    mp.set_sharing_strategy(strategy)
    x, model = torch.zeros(2).share_memory_(), torch.nn.Linear(2, 1).share_memory()
    queue, received = mp.SimpleQueue(), mp.Event()
    arguments = (x, model, queue, received)
    context = mp.start_processes(write, arguments, nprocs=2, join=False, start_method=method)
    results = sorted(queue.get().item() for _ in range(2))
    received.set()
    while not context.join():
        pass
    print(x.tolist(), model.weight.tolist(), results, isinstance(context, ProcessContext))
"""
SAID = "[1.0, 2.0] [[5.0, 6.0]] [2.0, 4.0] True\n"


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=100)


@pytest.mark.parametrize(
    ("method", "way"),
    [("fork", "file_system"), ("spawn", "file_descriptor"), ("forkserver", "file_system")],
)
def test_a_program_runs_with_every_way_to_start_processes(tmp_path: Path, method: str, way: str) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)

    answer = run("-W", "error", "-m", "assay_reference", str(tmp_path / "program.py"), method, way)

    assert (answer.stdout, answer.stderr) == (SAID, "")


def test_pytorch_runs_the_program_too(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (tmp_path / "program.py").write_text(PROGRAM)

    assert run(str(tmp_path / "program.py"), "fork", "file_descriptor").stdout == SAID


ABANDONED = """
import os, signal, sys
import torch, torch.multiprocessing as mp

def receive(queue, outbox):
    kept = queue.get()
    outbox.put("received")
    signal.pause()

if __name__ == "__main__":
    mp.set_sharing_strategy("file_system")
    queue, outbox, context = mp.SimpleQueue(), mp.SimpleQueue(), mp.get_context("fork")
    process = context.Process(target=receive, args=(queue, outbox))
    process.start()
    queue.put(torch.ones(2))
    outbox.get()
    print(any(each.startswith("assay_") for each in os.listdir("/dev/shm")), flush=True)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    queue.put(torch.ones(2))  # which nobody receives
    ABRUPTLY
"""


@pytest.mark.skipif(not SHM.is_dir(), reason="there is no folder of shared memory")
@pytest.mark.parametrize("end", ["raise KeyError", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_names_are_gone_after_processes_that_were_killed(tmp_path: Path, end: str) -> None:
    before = names()
    (tmp_path / "program.py").write_text(ABANDONED.replace("ABRUPTLY", end))

    answer = run("-m", "assay_reference", str(tmp_path / "program.py"))

    assert answer.stdout == "True\n"
    deadline = time.monotonic() + 20  # Python's tracker of resources removes them when all processes are gone
    while names() - before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert names() <= before
