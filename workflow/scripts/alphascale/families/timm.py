"""Image classifiers of timm, by name, from scratch or with weights."""

from __future__ import annotations

from typing import Any

from ..records.data import Meta
from .descriptor import Family, Key, Size
from .foreign import RESIZE, TUNING, check_checkpoint, check_tuning, identity, kept
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


def derive(size: Size) -> Size:
    """Keys that say nothing are left out; of a file of weights the content is named."""
    said = kept(size, KEYS)
    if "weights" in said:
        said["weights"] = identity(said["weights"])
    return said


def check(size: Size, where: str) -> None:
    if "weights" in size:
        needs = "a file of weights (.safetensors, or as torch saves it)"
        check_checkpoint("weights", size["weights"], where, needs)
    check_tuning(size, "weights", where)


def trial(sizes: dict[str, Size], meta: Meta) -> None:
    """Every size is built and run once: there is nothing else to tell."""


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
    derive=derive,
    check=check,
    trial=trial,
)
