"""What tests of the reference share: the real torchvision, where it is installed."""

from __future__ import annotations

from typing import Any

import pytest

from assay.backends import vision
from assay.backends.base import Unsupported


@pytest.fixture(scope="session")
def torchvision() -> Any:
    """The installed torchvision; what needs it is skipped without."""
    pytest.importorskip("torch")
    try:
        return vision.installed()
    except Unsupported as error:
        pytest.skip(str(error))
