"""Yahoo Answers, fetched from the Hugging Face hub when a study first asks for it."""

from __future__ import annotations

import re
from pathlib import Path

from ..data.fetch import folder_of, from_hub, read_parquet
from ..data.pool import Pool, origin_of
from ..data.torchvision_sets import own_test
from ..errors import UserError
from ..records.data import DataSpec
from .descriptor import Source

DATASET = "community-datasets/yahoo_answers_topics"
TOPICS = [
    "Society & Culture", "Science & Mathematics", "Health", "Education & Reference",
    "Computers & Internet", "Sports", "Business & Finance", "Entertainment & Music",
    "Family & Relationships", "Politics & Government",
]  # fmt: skip
TEXT = ["question_title", "question_content", "best_answer"]


def read(spec: DataSpec) -> Pool:
    """1,460,000 questions of ten topics: title, content and answer; its own 60,000 for testing."""
    import numpy as np
    import pandas as pd

    folder = folder_of(spec.path, "yahoo_answers_topics")
    parts = {part: _parquet(folder, part) for part in ("train", "test")}
    if not all(parts.values()):
        by_hand = f"put its files train-*.parquet and test-*.parquet into {folder}/"
        from_hub("yahoo_answers", DATASET, folder, "*.parquet", by_hand)
        parts = {part: _parquet(folder, part) for part in ("train", "test")}
        if not all(parts.values()):
            raise UserError(f"source: {DATASET} gave no train-*.parquet and test-*.parquet")
    frames = [read_parquet(path, ["topic", *TEXT]) for path in parts["train"] + parts["test"]]
    train = sum(len(frame) for frame in frames[: len(parts["train"])])
    table = pd.concat(frames, ignore_index=True)
    columns = [table[column].fillna("") for column in TEXT]
    texts = ["\n".join(filter(None, row)) for row in zip(*columns, strict=True)]
    y = table["topic"].to_numpy(np.int64)
    about = "Yahoo! Answers Topic Classification; Zhang, X., Zhao, J. & LeCun, Y. (2015)."
    source = origin_of("yahoo_answers", about, "none stated", parts["train"] + parts["test"])
    return Pool("text", texts, y, TOPICS, source, own_test(train, len(table) - train))


def _parquet(folder: Path, part: str) -> list[Path]:
    """The files of a part under `folder`; none unless they are as many as their names say."""
    files = sorted(folder.rglob(f"{part}-*.parquet"))
    said = re.search(r"-of-(\d+)", files[0].name) if files else None
    return files if not said or len(files) == int(said[1]) else []


SOURCE = Source(
    name="yahoo_answers",
    kind="text",
    origin="downloaded",
    description="title, content and answer of questions, 10 topics, 1,400,000 + 60,000 samples "
    "(Hugging Face hub)",
    read=read,
    keys=("path",),
)
