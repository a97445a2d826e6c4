"""WikiText-2, raw: articles of Wikipedia as running text."""

from __future__ import annotations

import re
from pathlib import Path

from ..data.fetch import folder_of, from_hub, read_parquet
from ..data.pool import Corpus, origin_of
from ..data.store import SPLITS
from ..errors import UserError
from ..records.data import DataSpec
from .descriptor import Source

DATASET = "Salesforce/wikitext"
PART = "wikitext-2-raw-v1"
# Each split begins a new article with a line like " = Robert Boulter = "; sections have more signs.
ARTICLE = re.compile(r"(?m)^ = [^=\n].*[^=\n] = $")


def read(spec: DataSpec) -> Corpus:
    """WikiText-2, raw: 720 articles of Wikipedia with the splits of their own, article by article.

    Read from `downloads/wikitext2/` (or `path`): the parquet files of the hub, or the plain
    wiki.train.raw, wiki.valid.raw and wiki.test.raw.
    """
    folder = folder_of(spec.path, "wikitext2")
    files = _files(folder)
    if files is None:
        by_hand = (
            f"put the parquet files of {PART} (train-*, validation-*, test-*), or "
            f"wiki.train.raw, wiki.valid.raw and wiki.test.raw, into {folder}/"
        )
        from_hub("wikitext2", DATASET, folder, f"{PART}/*.parquet", by_hand)
        files = _files(folder)
        if files is None:
            raise UserError(f"source: {DATASET} gave no parquet files of {PART}")
    documents, own = [], []
    for split in SPLITS:
        articles = _articles("".join(_text(file) for file in files[split]))
        documents += articles
        own += [split] * len(articles)
    about = "WikiText-2 raw; Merity, S. et al. (2016). arXiv:1609.07843"
    every = [file for split in SPLITS for file in files[split]]
    source = origin_of("wikitext2", about, "CC BY-SA 3.0", every)
    return Corpus(documents, source, own)


def _files(folder: Path) -> dict[str, list[Path]] | None:
    """The files of each split, or None if one has none."""
    plain = {"train": "train", "validation": "valid", "test": "test"}
    found = {
        split: sorted(folder.rglob(f"{split}-*.parquet"))
        or sorted(folder.rglob(f"wiki.{plain[split]}.raw"))
        for split in SPLITS
    }
    return found if all(found.values()) else None


def _text(path: Path) -> str:
    if path.suffix != ".parquet":
        return path.read_text(encoding="utf-8")
    lines = read_parquet(path, ["text"])["text"]
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _articles(text: str) -> list[str]:
    starts = [0, *(match.start() for match in ARTICLE.finditer(text))]
    ends = [*starts[1:], len(text)]
    pieces = (text[start:end] for start, end in zip(starts, ends, strict=True))
    return [piece for piece in pieces if piece.strip()]


SOURCE = Source(
    name="wikitext2",
    kind="tokens",
    origin="downloaded",
    description="WikiText-2, raw: 720 articles of Wikipedia, with the splits of their own (Hugging "
    "Face hub, CC BY-SA 3.0)",
    read=read,
    keys=("path",),
)
