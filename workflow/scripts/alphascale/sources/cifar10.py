"""CIFAR-10, fetched by torchvision when a study first asks for it."""

from __future__ import annotations

from ..data.fetch import folder_of
from ..data.pool import Pool, origin_of
from ..data.torchvision_sets import load_torchvision, own_test
from ..records.data import DataSpec
from .descriptor import Source


def read(spec: DataSpec) -> Pool:
    """60,000 colour photographs of 32×32 pixels, ten classes; its own 10,000 for testing.

    Its files are pickles; torchvision loads them only after their MD5 sums proved right.
    """
    import numpy as np
    from torchvision.datasets import CIFAR10

    root = folder_of(spec.path)
    train, test = load_torchvision(CIFAR10, root, [root / CIFAR10.filename], CIFAR10.url)
    x = np.concatenate([train.data, test.data]).transpose(0, 3, 1, 2)
    y = np.concatenate([train.targets, test.targets]).astype(np.int64)
    files = [root / CIFAR10.base_folder / f for f, _ in CIFAR10.train_list + CIFAR10.test_list]
    about = "Krizhevsky, A. (2009). Learning Multiple Layers of Features from Tiny Images."
    source = origin_of("cifar10", about, "none stated", files)
    return Pool("image", x, y, list(train.classes), source, own_test(len(train), len(test)))


SOURCE = Source(
    name="cifar10",
    kind="image",
    origin="downloaded",
    description="32×32 colour photographs, 10 classes, 50,000 + 10,000 samples (torchvision)",
    read=read,
    keys=("path",),
)
