"""Data of every task, written for tests, and small studies on them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

TAGS = {
    "sport": ["ball", "goal", "team"], "money": ["bank", "stock", "price"],
    "food": ["bread", "soup", "salt"],
}  # fmt: skip
COMMON = ["the", "a", "of", "and", "in", "on", "was", "is", "they", "we"]


def write_numbers(path: Path, rows: int = 500, seed: int = 0) -> None:
    """Prices about 100, of which a curve of three columns explains nine tenths."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4))
    price = 100 + 30 * (np.sin(x[:, 0]) + x[:, 1] * x[:, 2] + 0.3 * rng.normal(size=rows))
    _write(
        path, ["a", "b", "c", "d", "price"], [[*row, p] for row, p in zip(x, price, strict=True)]
    )


def write_rare(path: Path, rows: int = 700, seed: int = 0) -> None:
    """Three classes, of 80, 14 and 6 in a hundred."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4))
    score = x[:, 0] + 0.5 * x[:, 1] ** 2 + 0.2 * rng.normal(size=rows)
    names = np.array(["common", "some", "rare"])[
        np.searchsorted(np.quantile(score, [0.8, 0.94]), score)
    ]
    _write(
        path, ["a", "b", "c", "d", "label"], [[*row, n] for row, n in zip(x, names, strict=True)]
    )


def write_tags(path: Path, rows: int = 400, seed: int = 0) -> None:
    """Sentences with none to three tags, each told by its words."""
    rng = np.random.default_rng(seed)
    lines = []
    for _ in range(rows):
        tags = [tag for tag in TAGS if rng.random() < 0.4]
        words = [*rng.choice(COMMON, 6), *(w for tag in tags for w in rng.choice(TAGS[tag], 2))]
        lines.append([" ".join(rng.permutation(words)), ";".join(tags)])
    _write(path, ["text", "tags"], lines)


def _write(path: Path, header: list[str], rows: list[list]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows([f"{v:.5f}" if isinstance(v, float) else v for v in row] for row in rows)


def common(**training) -> dict:
    return {
        "seeds": [0, 1],
        "training": {"epochs": 4, "batch_size": 32, "learning_rates": [1.0e-2]} | training,
    }


def study_of_tasks(folder: Path) -> dict:
    """Write the data below `folder`; a study of a number, rare classes and several labels."""
    write_numbers(folder / "houses.csv")
    write_rare(folder / "rare.csv")
    write_tags(folder / "tags.csv")
    widths = {f"w{w}": {"width": w} for w in (2, 4, 8, 12)}
    return {
        "run": "tasks",
        "device": "cpu",
        "bootstrap": {"resamples": 200},
        "domains": {
            "number": common()
            | {
                "data": {
                    "source": "csv", "path": "data/houses.csv", "label": "price", "task": "numbers",
                },
                "family": "mlp", "ladder": widths, "naive": {"width": 128},
                "target": {"rmse": 30.0},
            },
            "rare": common(class_weights="balanced")
            | {
                "data": {"source": "csv", "path": "data/rare.csv"},
                "family": "mlp", "ladder": widths, "naive": {"width": 128},
                "target": {"macro_f1": 0.6, "auroc": 0.8},
            },
            "tags": common()
            | {
                "data": {
                    "source": "text", "path": "data/tags.csv", "label": "tags", "task": "labels",
                    "length": 16, "vocabulary": 300,
                },
                "family": "transformer",
                "ladder": {f"d{d}": {"n_layers": 1, "d_model": d} for d in (2, 4, 8, 12)},
                "naive": {"n_layers": 1, "d_model": 64},
                "target": {"average_precision": 0.7},
            },
        },
    }  # fmt: skip


def study_of_names(folder: Path) -> dict:
    """Write the data and checkpoints below `folder`; a study of models by name: from scratch and
    fine-tuned in three ways, images by two libraries, running text."""
    from foreign_made import bert, checkpoint
    from study_made import write_images, write_texts

    folder.mkdir(parents=True, exist_ok=True)
    write_texts(folder / "letters.csv", rows=240)
    write_images(folder / "bars", rows=240)
    words = "wave salt boat tide stone path goat peak the a and under over morning wind"
    widths = (8, 16, 24)
    for width in widths:
        checkpoint(folder / f"bert{width}", width, words)
    text = {"source": "text", "path": "data/letters.csv", "length": 14, "vocabulary": 300}
    quick = common(epochs=2)

    def tuned(how: str, **more) -> dict:
        sizes = {f"b{w}": {"pretrained": f"data/bert{w}", "tune": how, **more} for w in widths}
        return quick | {
            "data": text | {"length": 14}, "family": "hf", "ladder": sizes,
            "naive": {"pretrained": "data/bert24", "tune": "whole"}, "target": {"accuracy": 0.7},
        }  # fmt: skip

    def images(family: str, sizes: dict) -> dict:
        return quick | {
            "data": {"source": "images", "path": "data/bars"}, "family": family, "ladder": sizes,
            "target": {"accuracy": 0.7},
        }  # fmt: skip

    tiny = {"name": "vit_tiny_patch16_224", "patch_size": 4, "depth": 1, "num_heads": 2}
    gpt = {"model_type": "gpt2", "n_layer": 1, "n_head": 2}
    return {
        "run": "names",
        "device": "cpu",
        "bootstrap": {"resamples": 200},
        "domains": {
            "scratch": quick | {
                "data": text, "family": "hf",
                "ladder": {f"b{w}": bert(w, 1) for w in widths}, "target": {"accuracy": 0.7},
            },
            "whole": tuned("whole"),
            "head": tuned("head"),
            "lora": tuned("lora", rank=2),
            "torchvision": images(
                "torchvision",
                {f"m{w}": {"name": "mobilenet_v3_small", "width": w / 16} for w in (1, 2, 3)},
            ),
            "timm": images("timm", {f"v{d}": tiny | {"embed_dim": d} for d in (8, 16, 24)}),
            "causal": quick | {
                "data": {
                    "source": "torch_source", "length": 16, "vocabulary": 300, "limit": 400,
                },
                "family": "hf", "ladder": {f"g{w}": gpt | {"n_embd": w} for w in (8, 16, 24)},
                "target": {"perplexity": 100.0},
            },
        },
    }  # fmt: skip
