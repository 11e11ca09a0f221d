"""Pickles as torch.load reads them unless they are trusted: by PyTorch's own opcodes, and by the names of a table.

There is no way from here to any other object: a name is looked up in the table, what is called stands in the table as
a function, and what is filled was made by the pickle. What the caller marked as safe may be named, called, made and
filled, too. An opcode makes one object at most, a call is handed no more
than the pickle has said already, and no key is costly to hash: so memory grows with the pickle and no faster, and so
does time, unless the numbers that are keys were chosen to collide.
"""

from __future__ import annotations

import pickle
import struct
import warnings
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, TypeAlias

from assay_reference.serialization.errors import Damaged, NotWeights, Unlisted
from assay_reference.serialization.safe import is_marked, named

KEY_PARTS: Final = 1000  # how many tuples, and what is in them, a key may consist of
DICTS: Final = (dict, OrderedDict, Counter)
BLOCKED: Final = ("sys", "os", "posix", "nt")  # modules of which nothing can be marked as safe
PROTOCOL: Final = 2  # which uses the names of Python 2


class Source:
    """A file that is read forwards, and never asked for more than is left of it."""

    def __init__(self, file: Any, size: int) -> None:
        self.file, self.size, self.left = file, size, size

    def read(self, count: int) -> bytes:
        """Read as many bytes as are asked for."""
        content: bytes = self.file.read(count) if count <= self.left else b""
        if len(content) < count:
            raise EOFError(f"Ran out of input: {count} bytes are wanted, and {self.left} left.")
        self.left -= count
        return content

    def readline(self) -> bytes:
        """Read a line, with its end."""
        line: bytes = self.file.readline(self.left)
        self.left -= len(line)
        if not line.endswith(b"\n"):
            raise EOFError("Ran out of input: a line has no end.")
        return line


class Unpickler:
    """A stack of values, on which each opcode of a pickle works; a mark lays the values below it aside."""

    def __init__(
        self,
        source: Source,
        functions: Mapping[tuple[str, str], Callable[..., Any]],
        values: Mapping[tuple[str, str], Any],
        persistent_load: Callable[[Any], Any],
    ) -> None:
        self.source, self.persistent_load = source, persistent_load
        self.known = {**values, **functions}
        self.titles = {id(each): ".".join(name) for name, each in functions.items()}
        self.stack: list[Any] = []
        self.aside: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.protocol = PROTOCOL
        self.handed = 0  # the lengths of what functions were called with

    def load(self) -> Any:
        """Read one pickle, and return what it stands for."""
        while (code := self.source.read(1)) != pickle.STOP:
            if code not in STEPS:
                raise NotWeights(f"Unsupported operand {code[0]}.")
            STEPS[code](self)
        return self.pop()

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        return self.top().pop()

    def top(self) -> list[Any]:
        """Return the stack, which has something on it."""
        if not self.stack:
            raise pickle.UnpicklingError("An opcode needs a value, and there is none.")
        return self.stack

    def popped(self, count: int) -> tuple[Any, ...]:
        """Take values from the stack, and return them in the order in which they came."""
        return tuple([self.pop() for _ in range(count)][::-1])

    def pop_mark(self) -> list[Any]:
        """Take all values down to the last mark."""
        if not self.aside:
            raise pickle.UnpicklingError("An opcode needs a mark, and there is none.")
        items, self.stack = self.stack, self.aside.pop()
        return items

    def remember(self, index: int) -> None:
        """Keep what is on the stack under a number; nothing is allocated for the numbers below it."""
        self.memo[index] = self.top()[-1]

    def remembered(self, index: int) -> Any:
        """Return what was kept under a number."""
        if index not in self.memo:
            raise pickle.UnpicklingError(f"Memo value not found at index {index}.")
        return self.memo[index]

    def target(self, opcode: str, *kinds: type) -> Any:
        """Return the container on the stack that an opcode fills."""
        container = self.top()[-1]
        if type(container) not in kinds:
            wanted = ", ".join(each.__name__ for each in kinds)
            raise NotWeights(f"Can only {opcode} for {wanted}, but got {type(container).__name__}.")
        return container

    def unpacked(self, form: str) -> Any:
        """Read a number."""
        (number,) = struct.unpack(form, self.source.read(struct.calcsize(form)))
        return number

    def hand(self, arguments: tuple[Any, ...]) -> None:
        """Count what a call is given and may copy: no more than the pickle has said, however often it says it again."""
        self.handed += sum(len(each) for each in arguments if isinstance(each, (str, bytes, tuple, list, dict)))
        if self.handed > 2 * (self.source.size - self.source.left):
            raise pickle.UnpicklingError("Functions are called with more than the pickle has said.")


Step: TypeAlias = Callable[[Unpickler], None]
STEPS: Final[dict[bytes, Step]] = {}


def step(code: bytes) -> Callable[[Step], Step]:
    """Let a function do what an opcode says."""

    def register(function: Step) -> Step:
        STEPS[code] = function
        return function

    return register


# -- values -----------------------------------------------------------------------------------------------------------


def _constant(code: bytes, value: Any) -> None:
    step(code)(lambda reader: reader.push(value))


def _container(code: bytes, kind: type) -> None:
    step(code)(lambda reader: reader.push(kind()))


def _number(code: bytes, form: str) -> None:
    step(code)(lambda reader: reader.push(reader.unpacked(form)))


def _tuple_of(code: bytes, count: int) -> None:
    step(code)(lambda reader: reader.push(reader.popped(count)))


for _code, _value in ((pickle.NONE, None), (pickle.NEWTRUE, True), (pickle.NEWFALSE, False), (pickle.EMPTY_TUPLE, ())):
    _constant(_code, _value)
for _code, _kind in ((pickle.EMPTY_LIST, list), (pickle.EMPTY_DICT, dict), (pickle.EMPTY_SET, set)):
    _container(_code, _kind)
for _code, _form in ((pickle.BININT, "<i"), (pickle.BININT1, "<B"), (pickle.BININT2, "<H"), (pickle.BINFLOAT, ">d")):
    _number(_code, _form)
for _count, _code in enumerate((pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3), start=1):
    _tuple_of(_code, _count)


@step(pickle.LONG1)
def _long(reader: Unpickler) -> None:
    reader.push(int.from_bytes(reader.source.read(reader.unpacked("<B")), "little", signed=True))


@step(pickle.BINUNICODE)
def _text(reader: Unpickler) -> None:
    reader.push(_decoded(reader.source.read(reader.unpacked("<I"))))


@step(pickle.SHORT_BINSTRING)
def _short_text(reader: Unpickler) -> None:
    reader.push(_decoded(reader.source.read(reader.unpacked("<B"))))


def _decoded(content: bytes) -> str:
    try:
        return str(content, "utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise pickle.UnpicklingError(f"A text is not UTF-8: {error}.") from error


@step(pickle.TUPLE)
def _tuple(reader: Unpickler) -> None:
    items = reader.pop_mark()
    reader.push(tuple(items))


# -- the stack and the memo -------------------------------------------------------------------------------------------


@step(pickle.PROTO)
def _protocol(reader: Unpickler) -> None:
    (reader.protocol,) = reader.source.read(1)
    if reader.protocol != PROTOCOL:
        warnings.warn(
            f"Detected pickle protocol {reader.protocol} in the checkpoint, which was not the default pickle protocol "
            f"used by `torch.load` ({PROTOCOL}). The weights_only Unpickler might not support all instructions "
            "implemented by this protocol, please file an issue for adding support if you encounter this.",
            UserWarning,
            stacklevel=2,
        )


@step(pickle.MARK)
def _mark(reader: Unpickler) -> None:
    reader.aside.append(reader.stack)
    reader.stack = []


def _get(code: bytes, form: str) -> None:
    step(code)(lambda reader: reader.push(reader.remembered(reader.unpacked(form))))


def _put(code: bytes, form: str) -> None:
    step(code)(lambda reader: reader.remember(reader.unpacked(form)))


_get(pickle.BINGET, "<B")
_get(pickle.LONG_BINGET, "<I")
_put(pickle.BINPUT, "<B")
_put(pickle.LONG_BINPUT, "<I")


# -- filling what the pickle made -------------------------------------------------------------------------------------


@step(pickle.APPEND)
def _append(reader: Unpickler) -> None:
    item = reader.pop()
    reader.target("APPEND", list).append(item)


@step(pickle.APPENDS)
def _appends(reader: Unpickler) -> None:
    items = reader.pop_mark()
    reader.target("APPENDS", list).extend(items)


@step(pickle.SETITEM)
def _set_item(reader: Unpickler) -> None:
    _fill(reader, "SETITEM", [*reader.popped(2)])


@step(pickle.SETITEMS)
def _set_items(reader: Unpickler) -> None:
    _fill(reader, "SETITEMS", reader.pop_mark())


def _fill(reader: Unpickler, opcode: str, items: list[Any]) -> None:
    container = reader.target(opcode, *DICTS)
    if len(items) % 2:
        raise pickle.UnpicklingError(f"The last of the keys for {opcode} has no value.")
    for key, value in zip(items[::2], items[1::2], strict=True):
        container[checked_key(key)] = value


def checked_key(key: Any) -> Any:
    """Return a key that is quick to hash: a tuple is hashed with all that is in it, as often as it is in there."""
    waiting, parts = [key], 1
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple):
            parts += len(part)
            if parts > KEY_PARTS:
                raise pickle.UnpicklingError(f"A key has more than {KEY_PARTS} parts.")
            waiting += part
        elif type(part).__hash__ is None:
            raise pickle.UnpicklingError(f"{type(part).__name__} cannot be the type of a key.")
    return key


@step(pickle.BUILD)
def _build(reader: Unpickler) -> None:
    state = reader.pop()
    reader.hand((state,))
    if is_marked(type(reader.top()[-1])):
        _restore(reader.top()[-1], state)
    else:
        set_attributes(reader.target("BUILD", OrderedDict), state)


def _restore(thing: Any, state: Any) -> None:
    """Give an object of a class that is marked as safe its state, as Python does."""
    if hasattr(thing, "__setstate__"):
        thing.__setstate__(state)
        return
    attributes, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    for name, value in {**(attributes or {}), **(slots or {})}.items():
        setattr(thing, name, value)


def set_attributes(target: Any, state: Any) -> None:
    """Give an object attributes, of which none may be one that it has already, or that Python or NumPy ask for.

    An object with `__array_interface__`, for instance, is an array to NumPy, over whatever memory that says.
    """
    if type(state) not in DICTS:
        raise NotWeights(f"Attributes are to be a dict, but got {type(state).__name__}.")
    kind: Any = type(target)
    for name in state:
        if not isinstance(name, str) or name.startswith("__") or name in _own_names(kind):
            raise NotWeights(f"A file may not set the attribute {name if isinstance(name, str) else type(name)}.")
    vars(target).update(state)


@cache
def _own_names(owner: type) -> frozenset[str]:
    """Return the names that a class uses itself."""
    return frozenset(dir(owner)).union(*(vars(each).get("__annotations__", ()) for each in owner.__mro__))


# -- the table --------------------------------------------------------------------------------------------------------


@step(pickle.GLOBAL)
def _global(reader: Unpickler) -> None:
    module, name = (_decoded(reader.source.readline()[:-1]) for _ in range(2))
    module, name = current_name(module, name, reader.protocol)
    if (module, name) in reader.known:
        reader.push(reader.known[module, name])
        return
    if module.partition(".")[0] in BLOCKED:
        raise NotWeights(f"Trying to load unsupported GLOBAL {module}.{name} whose module {module} is blocked.")
    thing = named(module, name)
    if thing is None:
        raise Unlisted(f"{module}.{name}".removeprefix("builtins."))
    reader.push(thing)


def current_name(module: str, name: str, protocol: int) -> tuple[str, str]:
    """Return what Python 3 calls a thing, of which old protocols write what Python 2 did."""
    if protocol > PROTOCOL:
        return module, name
    if (module, name) in NAME_MAPPING:
        return NAME_MAPPING[module, name]
    return IMPORT_MAPPING.get(module, module), name


@step(pickle.REDUCE)
def _reduce(reader: Unpickler) -> None:
    function, arguments = reader.popped(2)
    if id(function) not in reader.titles and not is_marked(function):
        raise NotWeights(f"Trying to call reduce for unrecognized function, of type {type(function).__name__}.")
    if type(arguments) is not tuple:
        raise pickle.UnpicklingError(f"A function is called with {type(arguments).__name__}, and not with a tuple.")
    reader.hand(arguments)
    try:
        reader.push(function(*arguments))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        title = reader.titles.get(id(function), "A function that is marked as safe")
        raise pickle.UnpicklingError(f"{title} cannot be called like this: {error}.") from error
    except NotImplementedError:
        raise
    except RuntimeError as error:
        raise Damaged(f"{str(error).rstrip('.')}.") from error.__cause__


@step(pickle.BINPERSID)
def _persistent(reader: Unpickler) -> None:
    identity = reader.pop()
    reader.push(reader.persistent_load(identity))


@step(pickle.NEWOBJ)
def _new_object(reader: Unpickler) -> None:
    kind, arguments = reader.popped(2)
    if not is_marked(kind):
        raise NotWeights(f"Trying to create new object for unrecognized class, of type {type(kind).__name__}.")
    reader.push(kind.__new__(kind, *arguments))
