"""Image data sets of torchvision, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..data.fetch import folder_of
from ..data.pool import Pool
from ..data.torchvision_sets import load_torchvision, own_test
from ..errors import UserError
from ..records.data import DataSpec, Origin
from ..records.files import sha256_file
from .descriptor import Source

TRAIN_FLAG = (({"train": True},), ({"train": False},))
TRAIN_TEST = (({"split": "train"},), ({"split": "test"},))
THREE = (({"split": "train"}, {"split": "val"}), ({"split": "test"},))
TRAINVAL = (({"split": "trainval"},), ({"split": "test"},))
IDX = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
       "t10k-labels-idx1-ubyte.gz")  # fmt: skip
OXFORD = "https://www.robots.ox.ac.uk"


@dataclass(frozen=True)
class Set:
    """One of torchvision's classes."""

    folder: str  # below the root, where its archives lie
    archives: tuple[str, ...]  # whose presence lets it be unpacked without network
    address: str  # of a server that has them
    # what the class is called with for its training parts and for its test parts
    parts: tuple[tuple[dict[str, Any], ...], tuple[dict[str, Any], ...]]


SETS = {
    "MNIST": Set("MNIST/raw", IDX, "https://ossci-datasets.s3.amazonaws.com", TRAIN_FLAG),
    "KMNIST": Set("KMNIST/raw", IDX, "http://codh.rois.ac.jp", TRAIN_FLAG),
    "EMNIST": Set(
        "EMNIST/raw", ("gzip.zip",), "https://biometrics.nist.gov",
        (({"split": "balanced", "train": True},), ({"split": "balanced", "train": False},)),
    ),
    "FashionMNIST": Set(
        "FashionMNIST/raw", IDX,
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com", TRAIN_FLAG,
    ),
    "USPS": Set("", ("usps.bz2", "usps.t.bz2"), "https://www.csie.ntu.edu.tw", TRAIN_FLAG),
    "CIFAR10": Set("", ("cifar-10-python.tar.gz",), "https://www.cs.toronto.edu", TRAIN_FLAG),
    "CIFAR100": Set("", ("cifar-100-python.tar.gz",), "https://www.cs.toronto.edu", TRAIN_FLAG),
    "SVHN": Set(
        "", ("train_32x32.mat", "test_32x32.mat"), "http://ufldl.stanford.edu", TRAIN_TEST
    ),
    "STL10": Set("", ("stl10_binary.tar.gz",), "http://ai.stanford.edu", TRAIN_TEST),
    "EuroSAT": Set("eurosat", ("EuroSAT.zip",), "https://huggingface.co", (({},), ())),
    "Flowers102": Set(
        "flowers-102", ("102flowers.tgz", "imagelabels.mat", "setid.mat"), OXFORD, THREE
    ),
    "DTD": Set("dtd", ("dtd-r1.0.1.tar.gz",), OXFORD, THREE),
    "OxfordIIITPet": Set(
        "oxford-iiit-pet", ("images.tar.gz", "annotations.tar.gz"), OXFORD, TRAINVAL
    ),
    "FGVCAircraft": Set("", ("fgvc-aircraft-2013b.tar.gz",), OXFORD, TRAINVAL),
    "Food101": Set("", ("food-101.tar.gz",), "http://data.vision.ee.ethz.ch", TRAIN_TEST),
    "GTSRB": Set(
        "gtsrb",
        ("GTSRB-Training_fixed.zip", "GTSRB_Final_Test_Images.zip", "GTSRB_Final_Test_GT.zip"),
        "https://sid.erda.dk", TRAIN_TEST,
    ),
    "Imagenette": Set(
        "", ("imagenette2.tgz",), "https://s3.amazonaws.com",
        (({"split": "train"},), ({"split": "val"},)),
    ),
}  # fmt: skip


def read(spec: DataSpec) -> Pool:
    """Its images, of one size or resized by `image_size`, with the test part that it has.

    Where torchvision reads pickles (CIFAR), it does so only after their MD5 sums proved right.
    """
    import numpy as np
    from torchvision import datasets

    from ..data.images import stack_images

    name = str(spec.name)
    own, root = SETS[name], folder_of(spec.path)
    archives = [root / own.folder / archive for archive in own.archives]
    called = (*own.parts[0], *own.parts[1])
    parts = load_torchvision(getattr(datasets, name), root, archives, own.address, called, "name")
    sizes = [len(part) for part in parts]
    opened = (
        (f"{name}, sample {row + 1}", lambda part=part, row=row: part[row][0])
        for part in parts
        for row in range(len(part))
    )
    x = stack_images(opened, sum(sizes), spec.image_size)
    y = np.concatenate([_labels(part) for part in parts])
    names = _names(parts[0], int(y.max()) + 1)
    train = sum(sizes[: len(own.parts[0])])
    digests = {file.name: sha256_file(file) for file in archives if file.exists()}
    source = Origin(name, f"torchvision.datasets.{name}", "see the data set's own page", digests)
    test = own_test(train, len(y) - train) if own.parts[1] else None
    return Pool("image", x, y, names, source, test)


def _labels(part: Any) -> Any:
    """Class indices of a part, int64 [n], without opening its images where it keeps a list."""
    import numpy as np

    for kept in ("targets", "labels", "_labels"):
        found = getattr(part, kept, None)
        if found is not None and len(found) == len(part):
            return np.asarray(found).astype(np.int64)
    if samples := getattr(part, "_samples", None):
        return np.array([label for _, label in samples], dtype=np.int64)
    return np.array([part[row][1] for row in range(len(part))], dtype=np.int64)


def _names(part: Any, classes: int) -> list[str]:
    found = getattr(part, "classes", None) or []
    if len(found) != classes:
        return [str(c) for c in range(classes)]
    return [each if isinstance(each, str) else ", ".join(map(str, each)) for each in found]


def check(spec: DataSpec) -> None:
    if spec.name not in SETS:
        raise UserError(
            f"name: {spec.name!r} is none of torchvision's data sets that are read here: "
            f"{', '.join(SETS)}"
        )


SOURCE = Source(
    name="torchvision",
    kind="image",
    origin="downloaded",
    description="images of torchvision by `name`, with test sets of their own: " + ", ".join(SETS),
    read=read,
    keys=("name", "path", "image_size"),
    check=check,
)
