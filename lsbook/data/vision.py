"""The one door to torchvision."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType


def import_torchvision() -> ModuleType:
    """Import torchvision with its datasets and transforms, also beside a CPU-only torch.

    torchvision's wheel for CUDA fails there on registering the meta versions of its C++ operators,
    which nothing in lsbook uses: only then is that registration skipped.

    Raises
    ------
    ImportError
        If torchvision is not installed.
    """
    try:
        torchvision = importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for name in [n for n in sys.modules if n.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        sys.modules["torchvision._meta_registrations"] = ModuleType("_meta_registrations")
        torchvision = importlib.import_module("torchvision")
    except ModuleNotFoundError as error:
        raise ImportError("This data set needs torchvision: pip install torchvision.") from error
    importlib.import_module("torchvision.transforms.v2")
    return torchvision
