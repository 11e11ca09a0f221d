"""torch.cuda: what is raised without a GPU, held against PyTorch, and what two devices do, on the stand-in for CuPy."""

from __future__ import annotations

import importlib
import threading
from pathlib import Path
from typing import Any

import pytest

import assay_reference as torch
from assay_reference.core import strict_cupy

CALLS = (Path(__file__).parent / "calls" / "cuda.txt").read_text().splitlines()


def answer(library: Any, call: str) -> str:
    try:
        return repr(eval(call, {"torch": library}))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
@pytest.mark.parametrize("call", CALLS)
def test_without_cuda_it_is_as_in_pytorch(call: str) -> None:
    genuine = pytest.importorskip("torch")
    importlib.import_module("torch.cuda.comm")
    if genuine.backends.cuda.is_built():
        pytest.skip("this PyTorch is built for CUDA")

    assert answer(torch, call) == answer(genuine, call)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("torch.cuda.set_device(2)", "RuntimeError: CUDA error: invalid device ordinal"),
        ("torch.cuda.get_device_name(-1)", "AssertionError: Invalid device id"),
        ("torch.cuda.can_device_access_peer(0, 2)", "AssertionError: Invalid peer device id"),
        (
            "torch.cuda.Event(enable_timing=True).elapsed_time(torch.cuda.Event())",
            "ValueError: Both events must be created with argument 'enable_timing=True'.",
        ),
        (
            "torch.cuda.Event(True).elapsed_time(torch.cuda.Event(True))",
            "ValueError: Both events must be recorded before calculating elapsed time.",
        ),
        (
            "torch.cuda.Stream(1).record_event(torch.cuda.current_stream().record_event())",
            "RuntimeError: Event device 0 does not match recording stream's device 1.",
        ),
        (
            "torch.cuda.comm.broadcast(torch.ones(1), [-1])",
            "RuntimeError: Expected non-negative device index, but got -1",
        ),
        (
            "torch.cuda.comm.broadcast(torch.ones(1), out=[torch.ones(1)])",
            "RuntimeError: Expected all output tensors to be CUDA tensors, but output tensor at index 0 has device "
            "'cpu'",
        ),
        (
            "torch.cuda.comm.broadcast(torch.ones(1), out=[torch.ones(2, device='cuda')])",
            "RuntimeError: Expected all output tensors to have same shape as the source tensor [1], but output tensor "
            "at index 0 has shape [2]",
        ),
        ("torch.cuda.comm.scatter(torch.ones(1), [])", "RuntimeError: Expected at least one device to scatter to"),
        (
            "torch.cuda.comm.scatter(torch.ones(2), [0, 0], [2])",
            "RuntimeError: Expected devices and chunk_sizes to be of same length, but got len(devices) = 2 and "
            "len(chunk_sizes) = 1",
        ),
        (
            "torch.cuda.comm.scatter(torch.ones(2), [0], streams=[torch.cuda.Stream(1)])",
            "RuntimeError: Expected the device associated with the stream at index 0 (was 1) to match the device "
            "supplied at that index (expected 0)",
        ),
        (
            "torch.cuda.comm.scatter(torch.ones(2, 2), out=[torch.ones(2, 3, device='cuda')])",
            "RuntimeError: Output tensor at index 0 has incorrect shape: [2, 3]. Expected same shape except for "
            "scatter dim 0 as the source tensor: [2, 2]",
        ),
        (
            "torch.cuda.comm.scatter(torch.ones(3), out=[torch.ones(1, device='cuda')])",
            "RuntimeError: Total size for output tensors along scatter dim 0 does not match the source tensor size at "
            "dim 0. Expected 3, but got total size 1",
        ),
        ("torch.cuda.comm.gather([])", "RuntimeError: Expected at least one tensor to gather from"),
        (
            "torch.cuda.comm.gather([torch.ones(1)])",
            "RuntimeError: Expected all input tensors to be CUDA tensors, but tensor at index 0 has device cpu",
        ),
        (
            "torch.cuda.comm.gather([torch.ones(1, device='cuda'), torch.ones(1, 1, device='cuda')])",
            "RuntimeError: Expected all input tensors to have the same number of dimensions, but tensor at index 1has "
            "2 dimensions, (expected 1)",
        ),
        (
            "torch.cuda.comm.gather([torch.ones(1, 2, device='cuda'), torch.ones(1, 3, device='cuda')])",
            "RuntimeError: Input tensor at index 1 has invalid shape [1, 3], but expected [1, 2]",
        ),
        (
            "torch.cuda.comm.gather([torch.ones(1, device='cuda')], out=torch.ones(2))",
            "RuntimeError: Expected out tensor to have shape [1], but got [2]",
        ),
        (
            "torch.cuda.comm.reduce_add([torch.ones(1, device='cuda')], 1)",
            "RuntimeError: reduce_add expects destination to be on the same GPU with one of the tensors",
        ),
        (
            "torch.cuda.comm.reduce_add([torch.ones(1, 2, device='cuda'), torch.ones(3, device='cuda')])",
            "ValueError: input 1 has invalid size: got 3, but expected 1x2",
        ),
    ],
)
def test_what_cuda_refuses_is_said_in_pytorchs_words(call: str, message: str, stand_in: None) -> None:
    assert answer(torch, call) == message


def test_streams_and_events_show_where_they_are(stand_in: None) -> None:
    stream = torch.cuda.Stream(1)
    event = stream.record_event()

    assert repr(stream) == f"<torch.cuda.Stream device=cuda:1 cuda_stream={stream.cuda_stream:#x}>"
    assert repr(event) == f"<torch.cuda.Event {event.cuda_event:#x}>"
    assert torch.cuda.Stream.priority_range() == (0, -3)


def test_the_number_of_the_cpu_is_deprecated_where_tensors_are_gathered(stand_in: None) -> None:
    with pytest.warns(FutureWarning, match="Using -1 to represent CPU tensor is deprecated"):
        torch.cuda.comm.gather([torch.ones(1, device="cuda")], 0, -1)


def test_gradients_flow_back_between_devices(stand_in: None) -> None:
    x = torch.arange(3.0, device="cuda:1", requires_grad=True)

    first, second = torch.cuda.comm.scatter(x, [0, 1])
    torch.cuda.comm.gather([first * 2, second * 3]).sum().backward()

    assert (x.grad.device, x.grad.tolist()) == (torch.device("cuda:1"), [2.0, 2.0, 3.0])


def test_threads_have_current_devices_of_their_own(stand_in: None) -> None:
    seen = []

    def work(index: int) -> None:
        torch.cuda.set_device(index)
        seen.append((index, torch.ones(1, device="cuda").get_device()))

    threads = [threading.Thread(target=work, args=(index,)) for index in (0, 1)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert (sorted(seen), torch.cuda.current_device()) == ([(0, 0), (1, 1)], 0)


def test_a_stream_of_another_device_is_refused_as_by_cupy(stand_in: None) -> None:
    with pytest.raises(strict_cupy.CUDARuntimeError, match="another device"), torch.cuda.device(1):
        torch.cuda.Stream(0)._queue.use()


def test_memory_is_counted_by_device_while_tensors_hold_it(stand_in: None) -> None:
    def used() -> list[int]:
        return [torch.cuda.memory_allocated(index) for index in (0, 1)]

    before = used()
    x = torch.ones(1000, device="cuda:1")
    views = x[10:], x.view(10, 100)
    during = used()
    del x, views

    assert [now - then for now, then in zip(during, before, strict=True)] == [0, 4096]
    assert used() == before
