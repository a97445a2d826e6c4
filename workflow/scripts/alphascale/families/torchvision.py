"""Image classifiers of torchvision, by name, from scratch or with weights."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..records.data import Meta
from .descriptor import Family, Key, Size
from .foreign import RESIZE, TUNING, built_and_run, check_checkpoint, check_tuning, derived
from .own import one_by_one

KEYS = {
    "name": Key(str, meaning="of the model, as torchvision has it (`resnet18`)"),
    "weights": Key(
        str,
        default="",
        meaning="to begin with: `DEFAULT` or another name that torchvision has for the model, or a "
        "file",
    ),
    "width": Key(
        float, 0.01, default=1.0,
        meaning="multiplier of the channels, where the model has one (mobilenet_v2, mobilenet_v3)",
    ),
    **TUNING,
    "resize": RESIZE,
}  # fmt: skip


def build(members: int, meta: Meta, **size: Any):
    from ..networks.torchvision import build_members

    return build_members(members, meta, size)


def check(size: Size, where: str) -> None:
    if "weights" in size:
        check_checkpoint("weights", size["weights"], where, "a file of weights, as torch saves it")
    check_tuning(size, "weights", where)


FAMILY = Family(
    name="torchvision",
    title="torchvision",
    description="image classifiers of torchvision by name, from scratch or with weights",
    place=11,
    kinds=("image",),
    keys=KEYS,
    others="keyword arguments of the model in torchvision",
    build=build,
    widest=one_by_one,
    cached=0,
    turned="width",
    step=None,
    together_on_gpu=False,
    derive=partial(derived, keys=KEYS, key="weights"),
    check=check,
    trial=built_and_run,
)
