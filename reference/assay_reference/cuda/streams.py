"""Streams of work on CUDA devices, and events in them."""

from __future__ import annotations

from typing import Any

from assay_reference.core import devices
from assay_reference.core.arrays import cuda_namespace
from assay_reference.cuda.devices import any_index, choose, cuda_index, on, present

PRIORITIES = (-3, 0)  # from the highest to the lowest


class Stream:
    """A queue of work on a device, which is the current one of the thread inside a `with`."""

    def __init__(self, device: Any = None, priority: int = 0) -> None:
        cupy = cuda_namespace()
        if cupy is None:
            raise RuntimeError("torch.cuda.Stream requires CUDA support")
        highest, lowest = PRIORITIES
        with on(-1 if device is None else device):
            queue = cupy.cuda.Stream(non_blocking=True, priority=min(max(priority, highest), lowest))
            self._set(queue, cupy.cuda.runtime.getDevice())

    def _set(self, queue: Any, index: int) -> None:
        self._queue = queue
        self.device = devices.device("cuda", index)
        self._contexts: list[StreamContext] = []

    @classmethod
    def _of(cls, queue: Any, index: int) -> Stream:
        stream = cls.__new__(cls)
        stream._set(queue, index)
        return stream

    @property
    def cuda_stream(self) -> int:
        return int(self._queue.ptr)

    @property
    def device_index(self) -> int:
        return self.device.index or 0

    @property
    def priority(self) -> int:
        return int(self._queue.priority or 0)

    @staticmethod
    def priority_range() -> tuple[int, int]:
        """Return the lowest priority and the highest, which is the smaller number."""
        highest, lowest = PRIORITIES
        return lowest, highest

    def query(self) -> bool:
        """Return whether all of the work is done."""
        return bool(self._queue.done)

    def synchronize(self) -> None:
        """Wait until all of the work is done."""
        self._queue.synchronize()

    def record_event(self, event: Event | None = None) -> Event:
        """Mark this point of the work by an event, a new one if none is given."""
        marked = Event() if event is None else event
        marked.record(self)
        return marked

    def wait_event(self, event: Event) -> None:
        """Let what is added from now on wait for an event."""
        event.wait(self)

    def wait_stream(self, stream: Stream) -> None:
        """Let what is added from now on wait for what another stream has to do now."""
        self.wait_event(stream.record_event())

    def __enter__(self) -> Stream:
        self._contexts.append(StreamContext(self))
        self._contexts[-1].__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._contexts.pop().__exit__(*error)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Stream):
            return False
        return (self.cuda_stream, self.device) == (other.cuda_stream, other.device)

    def __hash__(self) -> int:
        return hash((self.cuda_stream, self.device))

    def __repr__(self) -> str:
        return f"<torch.cuda.Stream device={self.device} cuda_stream={self.cuda_stream:#x}>"


class Event:
    """A point in the work of a stream, which exists from when it is first recorded."""

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False, external: bool = False
    ) -> None:
        if cuda_namespace() is None:
            raise RuntimeError("Tried to instantiate dummy base class Event")
        self._timed = enable_timing
        self._options = {"block": blocking, "disable_timing": not enable_timing, "interprocess": interprocess}
        self._mark: Any = None
        self.device: devices.device | None = None

    @property
    def cuda_event(self) -> int:
        return 0 if self._mark is None else int(self._mark.ptr)

    def record(self, stream: Stream | None = None) -> None:
        """Mark what a stream has to do now, by default the current one."""
        stream = current_stream() if stream is None else stream
        if self.device is not None and self.device != stream.device:
            raise RuntimeError(
                f"Event device {self.device.index} does not match recording stream's device {stream.device.index}."
            )
        with on(stream.device):
            self._mark = present().cuda.Event(**self._options) if self._mark is None else self._mark
            self._mark.record(stream._queue)
        self.device = stream.device

    def wait(self, stream: Stream | None = None) -> None:
        """Let what is added to a stream from now on, by default the current one, wait for the event."""
        stream = current_stream() if stream is None else stream
        if self._mark is not None:
            with on(stream.device):
                stream._queue.wait_event(self._mark)

    def query(self) -> bool:
        """Return whether what the event marks is done."""
        return self._mark is None or bool(self._mark.done)

    def synchronize(self) -> None:
        """Wait until what the event marks is done."""
        if self._mark is not None:
            self._mark.synchronize()

    def elapsed_time(self, end_event: Event) -> float:
        """Return how many milliseconds lie between this event and a later one."""
        if not (self._timed and end_event._timed):
            raise ValueError("Both events must be created with argument 'enable_timing=True'.")
        if self._mark is None or end_event._mark is None:
            raise ValueError("Both events must be recorded before calculating elapsed time.")
        if not (self.query() and end_event.query()):
            raise RuntimeError("Both events must be completed before calculating elapsed time.")
        return float(present().cuda.get_elapsed_time(self._mark, end_event._mark))

    def __repr__(self) -> str:
        return f"<torch.cuda.Event {self.cuda_event:#x}>" if self.cuda_event else "<torch.cuda.Event uninitialized>"


class StreamContext:
    """A stream that is the current one of its device, and this the current device, inside a `with`."""

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream
        self.idx = -1 if cuda_namespace() is None else any_index(None, optional=True)
        self._before: tuple[Stream, Stream] | None = None

    def __enter__(self) -> None:
        if self.stream is None or self.idx == -1:
            return
        self._before = current_stream(self.stream.device), current_stream()
        set_stream(self.stream)

    def __exit__(self, *error: object) -> None:
        for each in self._before or ():  # the last of them is of the device that was current
            set_stream(each)


def stream(stream: Stream | None) -> StreamContext:
    """Return a context in which a stream is the current one; None changes nothing."""
    return StreamContext(stream)


def set_stream(stream: Stream | None) -> None:
    """Make a stream the current one of its device, and this the current device; None changes nothing."""
    if stream is not None:
        choose(stream.device_index)
        stream._queue.use()


def current_stream(device: Any = None) -> Stream:
    """Return the stream to which work on a device is added."""
    cupy = present()
    index = cuda_index(device, optional=True)
    return Stream._of(cupy.cuda.get_current_stream(index), index)


def default_stream(device: Any = None) -> Stream:
    """Return the stream with which a device begins."""
    cupy = present()
    return Stream._of(cupy.cuda.Stream.null, cuda_index(device, optional=True))
