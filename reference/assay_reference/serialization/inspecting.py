"""torch.serialization: what a file would have to be trusted with."""

from __future__ import annotations

import pickle
import pickletools
from typing import Any

from assay_reference.serialization.archive import BEGINNING, Archive
from assay_reference.serialization.errors import naming, naming_record
from assay_reference.serialization.loading import name_of, opened, size_of
from assay_reference.serialization.pickles import PROTOCOL, STEPS, current_name
from assay_reference.serialization.rebuilding import _KNOWN, _VALUES
from assay_reference.serialization.safe import named
from assay_reference.serialization.storages import Room


def get_unsafe_globals_in_checkpoint(f: Any) -> list[str]:
    """Return what an archive names that torch.load would refuse, without running any of it."""
    with naming(name_of(f), weights_only=False), opened(f) as file:
        start, room = file.tell(), Room(size_of(file))
        if file.read(len(BEGINNING)) != BEGINNING:
            raise ValueError("Expected input to be a checkpoint returned by torch.save")
        file.seek(start)
        archive = Archive(file, room)
        if "constants.pkl" in archive.records:
            raise ValueError(
                "Expected input to be a checkpoint returned by torch.save but got a torchscript checkpoint"
            )
        with naming_record("data.pkl"):
            return sorted(_unsafe(archive.read("data.pkl")))


def _unsafe(content: bytes) -> set[str]:
    """Return the names in a pickle that neither the table has, nor what is marked as safe."""
    try:
        steps = list(pickletools.genops(content))
    except ValueError as error:
        raise pickle.UnpicklingError(f"{error}.") from error
    unknown = next((step for step, _, _ in steps if step.code.encode("latin1") not in {*STEPS, pickle.STOP}), None)
    if unknown is not None:
        raise pickle.UnpicklingError(f"Unsupported operand {ord(unknown.code)}")
    names = [str(argument).split(" ", 1) for step, argument, _ in steps if step.name == "GLOBAL"]
    known = {**_VALUES, **_KNOWN}
    wanted = {current_name(module, name, PROTOCOL) for module, name in names}
    return {".".join(each) for each in wanted if each not in known and named(*each) is None}
