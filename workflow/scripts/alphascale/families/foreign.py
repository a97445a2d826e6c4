"""What families of other libraries have in common: their keys, and checkpoints by their content.

A checkpoint is a folder, or a file, of the user's own, or a name that the library looks up in its
cache and on its hub. Of a folder or a file the content is what a training depends on: in a complete
size a digest stands for it, so that one that was edited makes its trainings stale, and one that was
moved or touched does not. A name is taken at its word.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..data.fetch import folder_of
from ..errors import UserError, quoted
from ..records.data import Meta
from ..records.files import replacing, sha256_file
from .descriptor import Key, Size

DIGEST = "sha256:"
# What of a checkpoint's folder decides the numbers; its tokenizer is the data's.
DECIDING = ("config.json", "preprocessor_config.json", "*.safetensors", "*.bin", "*.index.json")
# A file of so many bytes takes a tenth of a second to digest: larger ones are remembered.
LARGE = 100_000_000
# `owner/model` or `model`, as hubs name them.
NAMED = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
TUNE = ("whole", "head", "lora")

TUNING = {
    "tune": Key(
        str,
        choices=TUNE,
        default="whole",
        meaning="of pretrained weights: what is trained, all, only what the checkpoint does not "
        "hold (the head), or that and low-rank additions (LoRA)",
    ),
    "rank": Key(int, 1, default=8, meaning="of LoRA: rank of the additions, scaled by 2"),
    "targets": Key(
        list, default=(), meaning="of LoRA: names of the layers that get one; by default peft's own"
    ),
}
RESIZE = Key(
    int, 1, default=0,
    meaning="images: side in pixels that they are resized to before the network; by default that "
    "of the pretrained weights, else as they are",
)  # fmt: skip

# digest → where it was seen in this process, or by whom it was started
_seen: dict[str, str] = {}


def kept(size: Size, keys: dict[str, Key]) -> Size:
    """A complete size without the keys of the family that have their default, which is none."""
    return {
        name: value
        for name, value in size.items()
        if name not in keys or value != keys[name].type(keys[name].default)
    }


def derived(size: Size, keys: dict[str, Key], key: str) -> Size:
    """A complete size without keys that say nothing; of the checkpoint that `key` names, where it
    lies on this disk, the content is named."""
    said = kept(size, keys)
    if key in said:
        said[key] = identity(said[key])
    return said


def built_and_run(sizes: dict[str, Size], meta: Meta) -> None:
    """A family's trial that asks no more than every trial does: each size built and run once."""


def identity(name: str) -> str:
    """What a training depends on of a checkpoint: a digest of what is on the disk, or its name."""
    place = place_of(name)
    if place is None:
        return name
    try:
        files = deciding(place)
        lines = [f"{file.name} {_sha256(file)}\n" for file in files]
    except OSError as fault:
        raise UserError(f"{place}: cannot be read ({fault.strerror or fault})") from None
    if not lines:
        return name
    found = DIGEST + hashlib.sha256("".join(lines).encode()).hexdigest()
    _seen[found] = str(place)
    return found


def located(name: str) -> str:
    """The path, or the name for a library to look up, of a checkpoint or of its digest."""
    if name.startswith(DIGEST):
        if name not in _seen:
            raise UserError(
                f"the checkpoint of content {name[:19]}… is not where it was: run snakemake again"
            )
        return _seen[name]
    place = place_of(name)
    return name if place is None else str(place)


def locations() -> dict[str, str]:
    """Digest → path of the checkpoints seen so far: for a process that is to find them again."""
    return dict(_seen)


def remember(places: dict[str, str]) -> None:
    """Take over what another process has seen, where it still is."""
    for name in places.values():
        if place_of(name) is not None:
            identity(name)


def place_of(name: str) -> Path | None:
    """The folder or file that a name means on this machine: itself, or below downloads/."""
    for place in (Path(name).expanduser(), folder_of(None, name)):
        if place.exists():
            return place
    return None


def deciding(place: Path) -> list[Path]:
    """Files of a checkpoint that decide the numbers, by name."""
    if place.is_file():
        return [place]
    return sorted({file for pattern in DECIDING for file in place.glob(pattern)})


def check_checkpoint(key: str, name: str, where: str, needs: str) -> None:
    """Raise UserError for a name that is no checkpoint here and could be none of a hub."""
    if name.startswith(DIGEST):
        return
    if place_of(name) is not None:
        raise UserError(f"{where}.{key}: {name} holds no weights: it needs {needs}")
    if not NAMED.fullmatch(name):
        raise UserError(
            f"{where}.{key}: there is no folder {quoted(name)} here: put {needs} there, or give "
            "the name of a published checkpoint"
        )


def check_tuning(size: Size, weights: str, where: str) -> None:
    """Raise UserError for ways of tuning that a size without weights, or without LoRA, names."""
    for key in TUNING:
        if key in size and weights not in size:
            raise UserError(
                f"{where}.{key}: is of pretrained weights: give `{weights}`, or take it out"
            )
    for key in ("rank", "targets"):
        if key in size and size.get("tune") != "lora":
            raise UserError(f"{where}.{key}: is of `tune: lora`: add that, or take it out")


def _sha256(file: Path) -> str:
    """SHA-256 of a file, remembered by path, size and time of a large one."""
    state = file.stat()
    if state.st_size < LARGE:
        return sha256_file(file)
    known = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "alphascale")
    note = known / f"{hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:32]}.json"
    of: list[Any] = [str(file.resolve()), state.st_size, state.st_mtime_ns]
    with suppress(OSError, ValueError, KeyError, TypeError):
        said = json.loads(note.read_text())
        if said["of"] == of:
            return said["sha256"]
    found = sha256_file(file)
    # Without a place to remember it, it is digested again next time.
    with suppress(OSError):
        known.mkdir(parents=True, exist_ok=True)
        with replacing(note) as temporary:
            Path(temporary).write_text(json.dumps({"of": of, "sha256": found}))
    return found
