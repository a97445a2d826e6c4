"""Any architecture of `transformers`: from scratch by its configuration, or a checkpoint."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..errors import UserError
from ..records.data import Meta
from .descriptor import Family, Key, Size
from .foreign import RESIZE, TUNING, check_checkpoint, check_tuning, derived
from .own import one_by_one

KEYS = {
    "model_type": Key(
        str, default="", meaning="from scratch: the architecture, as in its `config.json` (`bert`)"
    ),
    "pretrained": Key(
        str, default="", meaning="or a checkpoint to begin with: a folder, or a name of the hub"
    ),
    "revision": Key(
        str, default="", meaning="of a checkpoint of the hub: branch, tag or commit"
    ),
    **TUNING,
    "resize": RESIZE,
}  # fmt: skip
NEEDS = "config.json, model.safetensors and its tokenizer's files"


def build(members: int, meta: Meta, **size: Any):
    from ..networks.hf import build_members

    return build_members(members, meta, size)


def check(size: Size, where: str) -> None:
    if ("model_type" in size) == ("pretrained" in size):
        raise UserError(
            f"{where}: give either `model_type`, an architecture of transformers from scratch, or "
            "`pretrained`, a checkpoint"
        )
    if "pretrained" in size:
        check_checkpoint("pretrained", size["pretrained"], where, NEEDS)
    elif "revision" in size:
        raise UserError(f"{where}.revision: is of a checkpoint: give `pretrained`, or take it out")
    check_tuning(size, "pretrained", where)


def checkpoints(sizes: list[Size]) -> list[str]:
    """Those of a ladder, as the study names them."""
    return list(dict.fromkeys(size["pretrained"] for size in sizes if size.get("pretrained")))


def trial(sizes: dict[str, Size], meta: Meta) -> None:
    from ..networks.hf import try_ladder

    try_ladder(sizes, meta)


def rough_params(size: Size) -> int:
    """12 d² a layer, where the configuration says both by their usual names."""
    width, layers = size.get("hidden_size"), size.get("num_hidden_layers")
    known = isinstance(width, int) and isinstance(layers, int)
    return 12 * layers * width**2 if known else 0


FAMILY = Family(
    name="hf",
    title="Hugging Face",
    description="any architecture of `transformers`, by its configuration or from a checkpoint, "
    "whose own tokenizer or image processor then prepares the data",
    place=10,
    kinds=("image", "text", "tokens"),
    keys=KEYS,
    others="those of the architecture's configuration (`hidden_size`, `num_hidden_layers`, …), "
    "sub-sections among them; sizes, labels and ids that follow from the data are filled in",
    tasks=("classes", "labels", "numbers", "next", "masked"),
    build=build,
    widest=one_by_one,
    cached=0,
    turned=None,
    step=None,
    together_on_gpu=False,
    rough_params=rough_params,
    derive=partial(derived, keys=KEYS, key="pretrained"),
    check=check,
    checkpoints=checkpoints,
    trial=trial,
)
