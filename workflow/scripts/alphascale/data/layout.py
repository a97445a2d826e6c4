"""How a folder of images is laid out: a folder per class, or IDX files. No image is opened here."""

from __future__ import annotations

from pathlib import Path

from ..errors import UserError

# Names that mark folders of splits, where folders of classes are expected.
SPLIT_NAMES = {"train", "training", "test", "testing", "val", "valid", "validation"}


def images_layout(path: str | Path) -> dict[str, Path] | list[Path]:
    """IDX files by part (`train-images`, …) or, without any, the class folders in order of name."""
    folder = Path(path)
    if not folder.is_dir():
        raise UserError(
            f"path: {path} is not a folder; `images` needs one that holds a folder per class, or "
            "train-images-idx3-ubyte[.gz] and train-labels-idx1-ubyte[.gz]"
        )
    idx = idx_files(folder)
    if idx:
        return idx
    classes = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(classes) < 2:
        raise UserError(
            f"path: {path} holds {len(classes)} folder(s) and no IDX file; `images` needs a folder "
            "per class, at least 2, or train-images-idx3-ubyte[.gz] and "
            "train-labels-idx1-ubyte[.gz]"
        )
    if all(p.name.lower() in SPLIT_NAMES for p in classes):
        raise UserError(
            f"path: {path} holds {' and '.join(p.name for p in classes)}: folders of splits, not "
            "of classes; give one of them, the workflow splits it itself"
        )
    return classes


def idx_files(folder: Path) -> dict[str, Path]:
    """IDX files of a folder by part: train-images, train-labels, t10k-images, t10k-labels."""
    found: dict[str, Path] = {}
    for part in ("train", "t10k"):
        for what, rank in (("images", 3), ("labels", 1)):
            # The name of Yann LeCun's MNIST, and the one that archives of it use: a dot for a dash.
            fits = [
                file
                for end in ("", ".gz")
                for dot in "-."
                for file in folder.glob(f"*{part}-{what}{dot}idx{rank}-ubyte{end}")
                if file.is_file()
            ]
            if len({file.name.removesuffix(".gz") for file in fits}) > 1:
                raise UserError(
                    f"path: {folder} holds {fits[0].name} and {fits[1].name}; keep one of them"
                )
            if fits:
                found[f"{part}-{what}"] = fits[0]
    if not found:
        return {}
    parts = ["train", "t10k"] if any(key.startswith("t10k") for key in found) else ["train"]
    for key in (f"{part}-{what}" for part in parts for what in ("images", "labels")):
        if key not in found:
            rank = 3 if key.endswith("images") else 1
            raise UserError(
                f"path: {folder} holds IDX files but no {key}-idx{rank}-ubyte or "
                f"{key}-idx{rank}-ubyte.gz"
            )
    return found
