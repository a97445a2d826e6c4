"""Fashion-MNIST, fetched by torchvision when a study first asks for it."""

from __future__ import annotations

from ..data.fetch import folder_of
from ..data.pool import Pool, origin_of
from ..data.torchvision_sets import load_torchvision, own_test
from ..records.data import DataSpec
from .descriptor import Source


def read(spec: DataSpec) -> Pool:
    """70,000 grey pictures of clothes, 28×28 pixels, ten classes; its own 10,000 for testing."""
    import numpy as np
    from torchvision.datasets import FashionMNIST

    root = folder_of(spec.path)
    raw = root / "FashionMNIST" / "raw"
    archives = [raw / name for name, _ in FashionMNIST.resources]
    address = FashionMNIST.mirrors[0] + archives[0].name
    train, test = load_torchvision(FashionMNIST, root, archives, address)
    x = np.concatenate([train.data.numpy(), test.data.numpy()])[:, None]
    y = np.concatenate([train.targets.numpy(), test.targets.numpy()]).astype(np.int64)
    files = [archive.with_suffix("") for archive in archives]
    about = "Xiao, H., Rasul, K. & Vollgraf, R. (2017). Fashion-MNIST. arXiv:1708.07747"
    source = origin_of("fashion_mnist", about, "MIT", files)
    return Pool("image", x, y, list(train.classes), source, own_test(len(train), len(test)))


SOURCE = Source(
    name="fashion_mnist",
    kind="image",
    origin="downloaded",
    description="28×28 grey pictures of clothes, 10 classes, 60,000 + 10,000 samples "
    "(torchvision, MIT)",
    read=read,
    keys=("path",),
)
