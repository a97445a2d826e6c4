"""TensorBoard: event files, a folder of them a run, read by tensorboard itself.

Its own loader, not its EventAccumulator, which keeps a sample of a long history. torch's
`add_scalars` and Keras write parts of one run into folders of their own: they are put together.
"""

from __future__ import annotations

import json
import re
import struct
from contextlib import suppress
from pathlib import Path

from ...errors import UserError, first_line
from ..descriptor import Kind, Point, Run, library, plain, relative
from ..files import AGAIN

MARK = ".tfevents."
# The Trainer's own texts, and of its arguments those that only name the run.
TEXTS = {"args/text_summary", "model_config/text_summary"}
OF_ONE_RUN = {"output_dir", "logging_dir", "run_name", "_name_or_path"}
# Folders that hold one part of a run, as Keras names them.
TIME = re.compile(r"\d+(\.\d+)?")  # of add_hparams: a folder named by the time
PARTS = {"train", "validation", "val", "eval", "test"}


def _find(files: list[Path], root: Path) -> list[Path]:
    if root.is_file():
        return [root] if MARK in root.name else []
    folders = sorted({path.parent for path in files if MARK in path.name})
    runs: dict[Path, None] = {}
    for folder in folders:
        part = folder != root and _is_part(folder, beside=folder.parent in folders)
        runs.setdefault(folder.parent if part else folder)
    return list(runs)


def _is_part(folder: Path, beside: bool) -> bool:
    """Whether a folder's events belong to the run of the folder above: Keras' by its name, those of
    torch's add_hparams and add_scalars where the run has events of its own beside them."""
    if folder.name.lower() in PARTS:
        return True
    if not beside:
        return False
    if TIME.fullmatch(folder.name):
        return True
    run = Run("", "")
    scalars: dict[float, dict[str, float]] = {}
    for path in sorted(p for p in folder.iterdir() if MARK in p.name):
        with suppress(UserError):  # `read` says what is wrong with it
            _events(path, "", run, scalars, [])
    return any(
        folder.name.startswith(f"{tag.replace('/', '_')}_")
        for values in scalars.values() for tag in values
    )  # fmt: skip


def _read(unit: Path, root: Path) -> list[Run]:
    folder = unit.parent if unit.is_file() else unit
    run = Run(relative(unit, root) if unit.is_dir() else folder.absolute().name, str(unit))
    scalars: dict[float, dict[str, float]] = {}
    times: list[float] = []
    if unit.is_file():
        parts = [(unit, "")]
    else:
        parts = [(p, "") for p in sorted(unit.iterdir()) if MARK in p.name and p.is_file()]
        beside = bool(parts)
        for inner in sorted(p for p in unit.iterdir() if p.is_dir() and _is_part(p, beside)):
            parts += [(p, inner.name) for p in sorted(inner.iterdir()) if MARK in p.name]
    for path, part in parts:
        _events(path, part, run, scalars, times)
    if not scalars:
        raise UserError(
            f"{unit}: its event files hold no scalars; name a folder whose runs have some"
        )
    for step, values in sorted(scalars.items()):
        run.points.append(Point(step, values.get("epoch"), values))
    if max(times) > min(times):
        run.known["seconds"] = (max(times) - min(times), "from the first event to the last")
    return [run]


def _events(
    path: Path, part: str, run: Run, scalars: dict[float, dict[str, float]], times: list[float]
) -> None:
    with library("tensorboard"):
        from google.protobuf.message import DecodeError
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
        from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
        from tensorboard.util.tensor_util import make_ndarray
    read = 0
    try:
        for event in EventFileLoader(str(path)).Load():
            read += 1
            for value in event.summary.value:
                plugin = value.metadata.plugin_data
                if value.tag in TEXTS and value.tensor.string_val:
                    run.config |= _text(value.tensor.string_val[0])
                elif plugin.plugin_name == "hparams":
                    told = HParamsPluginData.FromString(plugin.content).session_start_info.hparams
                    run.config |= {k: getattr(v, v.WhichOneof("kind")) for k, v in told.items()}
                elif value.HasField("tensor"):
                    array = make_ndarray(value.tensor)
                    if array.size == 1 and array.dtype.kind in "fiu":
                        name = _tag(value.tag, part)
                        scalars.setdefault(float(event.step), {})[name] = float(array.reshape(()))
                        times.append(event.wall_time)
    except (DecodeError, OSError, ValueError, TypeError) as fault:
        raise UserError(
            f"{path}: cannot be read as events ({first_line(fault)}); {AGAIN}"
        ) from None
    records, rest = _records(path)
    if not read:
        raise UserError(f"{path}: holds no event that can be read; {AGAIN}")
    if read < records or rest:
        run.notes.append(f"{path.name} is damaged: its first {read} record(s) are read, no more")


def _tag(tag: str, part: str) -> str:
    """A scalar's name where it stands in a folder of its own: add_scalars("loss", {"val": …})
    writes `loss` into loss_val/, Keras `epoch_loss` into validation/."""
    if not part or TIME.fullmatch(part):
        return tag
    begins = tag.replace("/", "_") + "_"
    return f"{tag}/{part.removeprefix(begins)}" if part.startswith(begins) else f"{part}/{tag}"


def _text(said: bytes) -> dict[str, object]:
    """What the Trainer writes as text: its arguments and the model's configuration, JSON."""
    try:
        told = json.loads(said)
    except ValueError:
        return {}
    flat = plain(told) if isinstance(told, dict) else {}
    return {k: v for k, v in flat.items() if v is not None and k not in OF_ONE_RUN}


def arguments(folder: Path) -> dict[str, object]:
    """The arguments that a Trainer wrote into event files under its folder; none without them."""
    run = Run("", "")
    for path in sorted(p for p in folder.rglob("*") if MARK in p.name and p.is_file()):
        _events(path, "", run, {}, [])
    return run.config


def _records(path: Path) -> tuple[int, int]:
    """How many whole records a file is long, and whether more bytes follow: the loader ends without
    a word at the first that is damaged. A record is length, its check, data, its check."""
    count, at, size = 0, 0, path.stat().st_size
    with path.open("rb") as stream:
        while at + 16 <= size:
            stream.seek(at)
            length = struct.unpack("<Q", stream.read(8))[0]
            if at + 16 + length > size:
                break
            count, at = count + 1, at + 16 + length
    return count, size - at


KIND = Kind(
    name="tensorboard",
    title="TensorBoard",
    seeks="events.out.tfevents.*",
    find=_find,
    read=_read,
    place=40,
)
