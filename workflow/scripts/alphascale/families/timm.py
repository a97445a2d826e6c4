"""Image classifiers of timm, by name, from scratch or with weights."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..records.data import Meta
from .descriptor import Family, Key, Size
from .foreign import RESIZE, TUNING, built_and_run, check_checkpoint, check_tuning, derived
from .own import one_by_one

KEYS = {
    "name": Key(str, meaning="of the model, as timm has it (`vit_tiny_patch16_224`)"),
    "weights": Key(
        str,
        default="",
        meaning="to begin with: `DEFAULT` for those that timm has for the name, or a file",
    ),
    **TUNING,
    "resize": RESIZE,
}


def build(members: int, meta: Meta, **size: Any):
    from ..networks.timm import build_members

    return build_members(members, meta, size)


def check(size: Size, where: str) -> None:
    if "weights" in size:
        needs = "a file of weights (.safetensors, or as torch saves it)"
        check_checkpoint("weights", size["weights"], where, needs)
    check_tuning(size, "weights", where)


FAMILY = Family(
    name="timm",
    title="timm",
    description="image classifiers of timm by name, from scratch or with weights",
    place=12,
    kinds=("image",),
    keys=KEYS,
    others="keyword arguments of the model in timm (`embed_dim`, `depth`, …)",
    build=build,
    widest=one_by_one,
    cached=0,
    turned=None,
    step=None,
    together_on_gpu=False,
    derive=partial(derived, keys=KEYS, key="weights"),
    check=check,
    trial=built_and_run,
)
