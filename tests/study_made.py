"""A small study on a user's own data, made for tests; single sources are made in data_made.py."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import yaml
from data_made import write_idx

PARTS = ("Snakefile", "rules", "workflow", "profiles", "config", "resources", "envs")


def write_table(path: Path, rows: int = 400, seed: int = 0) -> None:
    """A table with two numbers, a category, missing cells and a label they decide."""
    rng = np.random.default_rng(seed)
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "height", "weight", "colour", "kind"])
        for row in range(rows):
            height, weight = rng.normal(size=2)
            colour = rng.choice(["red", "green", "blue"])
            kind = "tall" if height + (colour == "red") > weight else "wide"
            shown = "" if rng.random() < 0.05 else f"{height:.4f}"
            writer.writerow([row, shown, f"{weight:.4f}", colour, kind])


def write_images(folder: Path, rows: int = 300, seed: int = 0) -> None:
    """IDX images, one of them gzipped: a bright bar, upright or lying, on noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, rows).astype(np.uint8)
    images = rng.integers(0, 120, (rows, 8, 8)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        at = rng.integers(8)
        if label:
            image[at] = 230
        else:
            image[:, at] = 230
    folder.mkdir(parents=True, exist_ok=True)
    write_idx(folder / "train-images-idx3-ubyte.gz", images)
    write_idx(folder / "train-labels-idx1-ubyte", labels)


def write_texts(path: Path, rows: int = 300, seed: int = 0) -> None:
    """A CSV of sentences about the sea or the hills."""
    rng = np.random.default_rng(seed)
    words = {"sea": ["wave", "salt", "boat", "tide"], "hills": ["stone", "path", "goat", "peak"]}
    common = ["the", "a", "and", "under", "over", "morning", "wind"]
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "label"])
        for _ in range(rows):
            label = rng.choice(["sea", "hills"])
            sentence = [*rng.choice(words[label], 3), *rng.choice(common, 9)]
            writer.writerow([" ".join(rng.permutation(sentence)), label])


def own_study(folder: Path) -> dict:
    """Write the data below `folder` and return a study on all three; five sizes, few epochs."""
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / "people.csv")
    write_images(folder / "bars")
    write_texts(folder / "letters.csv")

    def common() -> dict:
        training = {"epochs": 3, "batch_size": 32, "learning_rates": [3.0e-3, 1.0e-2]}
        return {"seeds": [0, 1], "training": training, "target": {"accuracy": 0.8}}

    return {
        "run": "own",
        "bootstrap": {"resamples": 200},
        "domains": {
            "table": common()
            | {
                "data": {
                    "source": "csv",
                    "path": "data/people.csv",
                    "label": "kind",
                    "drop": ["id"],
                },
                "family": "mlp",
                "ladder": {f"w{w}": {"width": w} for w in (2, 4, 6, 8, 12)},
                "naive": {"width": 256},
                "fractions": [0.5, 1.0],
            },
            "images": common()
            | {
                "data": {"source": "images", "path": "data/bars"},
                "family": "cnn",
                "ladder": {f"c{c}": {"width": c / 64} for c in (1, 2, 3, 4, 6)},
                "naive": {"width": 1.0},
            },
            "text": common()
            | {
                "data": {
                    "source": "text",
                    "path": "data/letters.csv",
                    "length": 16,
                    "vocabulary": 300,
                },
                "family": "transformer",
                "ladder": {f"d{d}": {"n_layers": 1, "d_model": d} for d in (2, 4, 6, 8, 12)},
                "naive": {"n_layers": 2, "d_model": 64},
            },
        },
    }  # fmt: skip


def copy_project(root: Path, to: Path) -> Path:
    """A copy of what the workflow runs from, so that a test may edit it."""
    to.mkdir(exist_ok=True)
    for part in PARTS:
        if (root / part).is_dir():
            shutil.copytree(root / part, to / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(root / part, to / part)
    return to


def write_study(folder: Path, study: dict) -> None:
    """Make `study` the default study of a copied project."""
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
