"""Names of the classes that figures let a reader choose from, by data set."""

from __future__ import annotations

from lsbook.data.tiny_imagenet import CLASSES

CIFAR_10 = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)
CIFAR_100 = {
    4: "beaver", 30: "dolphin", 55: "otter", 72: "seal", 95: "whale",
    47: "maple tree", 52: "oak tree", 56: "palm tree", 59: "pine tree", 96: "willow tree",
    2: "baby", 11: "boy", 35: "girl", 46: "man", 98: "woman",
    0: "apple", 53: "orange", 8: "bicycle", 13: "bus", 69: "rocket",
}
"""The twenty whose training examples published runs keep (`lsbook.runs.classes`)."""

_KNOWN = {
    "cifar10": dict(enumerate(CIFAR_10)),
    "cifar100": CIFAR_100,
    "tinyimagenet": dict(enumerate(CLASSES.values())),
}


def offered(dataset: str, K: int) -> dict[int, str]:
    """Classes to choose from, number to name: all ``K`` by their number where nothing is known."""
    return _KNOWN.get(dataset) or {k: str(k) for k in range(K)}
