"""Lines: the framing of the wire protocol. A message is a line of JSON, and the blob after it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Final

from assay.backends.messages import LIMIT, Reply, Request, WireError
from assay.backends.wire import (
    brief,
    pack_capabilities,
    pack_case,
    pack_outcome,
    reading,
    unpack_capabilities,
    unpack_case,
    unpack_error,
    unpack_outcome,
)


class Lines:
    """The framing for any language: a message is a line of JSON, and the blob after it."""

    def pack(self, messages: Sequence[Request] | Sequence[Reply]) -> bytes:
        """Return messages as bytes."""
        return b"".join([_packed(message) for message in messages])

    def take(self, received: bytearray) -> list[Reply]:
        """Take a whole reply off the front of what was received; none if there is none yet."""
        end = received.find(b"\n")
        if (end if end >= 0 else len(received)) > LIMIT:
            raise WireError(f"a line of more than {LIMIT} bytes")
        if end < 0:
            return []
        message = parse(bytes(memoryview(received)[:end]))
        start, stop = end + 1, end + 1 + _blob_length(message)
        if len(received) < stop:
            return []
        blob = bytes(memoryview(received)[start:stop])
        del received[:stop]
        return [read_reply(message, blob)]

    def read(self, stream: BinaryIO) -> list[Request]:
        """Read the next request from a stream; none at the end."""
        source = stream.readline()
        if not source:
            return []
        message = parse(source)
        blob = stream.read(_blob_length(message))
        case = unpack_case(message["case"], blob) if "case" in message else None
        return [Request(message.get("id", 0), message.get("do", ""), case)]


def _packed(message: Request | Reply) -> bytes:
    """Return a message as a line, and the blob after it."""
    blob = bytearray()
    content = _request(message, blob) if isinstance(message, Request) else _reply(message, blob)
    if blob:
        content["blob"] = len(blob)
    return json.dumps(content, separators=(",", ":")).encode("ascii") + b"\n" + blob


def _request(request: Request, blob: bytearray) -> dict[str, Any]:
    message = {"id": request.id, "do": request.do}
    return message if request.case is None else {**message, "case": pack_case(request.case, blob)}


def _reply(reply: Reply, blob: bytearray) -> dict[str, Any]:
    message: dict[str, Any] = {"id": reply.id}
    if reply.outcome is not None:
        message["outcome"] = pack_outcome(reply.outcome, blob)
    if reply.hello is not None:
        message["hello"] = pack_capabilities(reply.hello)
    message.update({name: getattr(reply, name) for name in ("unusable", "fault") if getattr(reply, name)})
    return message


_REPLIES: Final = ("outcome", "error", "hello", "unusable", "fault")


def read_reply(message: Mapping[str, Any], blob: bytes) -> Reply:
    """Read a reply; raise WireError where it is none."""
    content = {name: value for name, value in message.items() if name not in ("id", "blob")}
    number = message.get("id")
    if type(number) is not int:
        raise WireError(f"a reply without the id of a request: {brief(message)}")
    if not content:
        return Reply(number)
    if len(content) > 1 or next(iter(content)) not in _REPLIES:
        raise WireError(f"a reply holds one of {', '.join(_REPLIES)}, not {brief(content)}")
    ((kind, value),) = content.items()
    with reading(value):
        match kind:
            case "outcome":
                return Reply(number, outcome=unpack_outcome(value, blob))
            case "error":
                return Reply(number, outcome=unpack_error(value))
            case "hello":
                return Reply(number, hello=unpack_capabilities(value))
            case "unusable":
                return Reply(number, unusable=_text(value))
            case _:
                return Reply(number, fault=_text(value))


def _text(value: Any) -> str:
    return value if isinstance(value, str) and value else brief(value)


def _blob_length(message: Mapping[str, Any]) -> int:
    length = message.get("blob", 0)
    if type(length) is not int or not 0 <= length <= LIMIT:
        raise WireError(f"a blob of {brief(length)} bytes; {LIMIT} are the most")
    return length


def parse(source: bytes) -> dict[str, Any]:
    """Read a line; raise WireError where it is no message."""
    try:
        message = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {_shown(source)}") from error
    if not isinstance(message, dict):
        raise WireError(f"not a message: {_shown(source)}")
    return message


def _shown(source: bytes) -> str:
    text = source.decode("utf-8", "backslashreplace").rstrip("\n")
    return repr(text if len(text) <= 80 else f"{text[:80]}…")
