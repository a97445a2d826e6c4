"""20 Newsgroups, fetched by scikit-learn when a study first asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..data.fetch import folder_of
from ..data.pool import Pool, origin_of
from ..errors import UserError
from ..records.data import DataSpec
from ..records.files import replacing
from .descriptor import Source
from .sklearn_sets import by_sklearn

if TYPE_CHECKING:
    import pandas as pd

ARCHIVE, ADDRESS = "20news-bydate.tar.gz", "https://ndownloader.figshare.com/files/5975967"


def read(spec: DataSpec) -> Pool:
    """18,846 posts of twenty groups, split by date: without headers, footers and quotes, which
    often name the group. Posts of which nothing is left are dropped."""
    import numpy as np
    import pandas as pd

    folder = folder_of(spec.path, "newsgroups")
    kept = folder / "newsgroups.parquet"
    if not kept.exists():
        frame = by_sklearn(
            "newsgroups", folder / ARCHIVE, ADDRESS, f"20news_home/{ARCHIVE}", _both, "source"
        )
        with replacing(kept) as temporary:
            frame.to_parquet(temporary)
    try:
        frame = pd.read_parquet(kept, columns=["text", "group", "test"])
    except Exception as fault:  # pyarrow has its own, and not all of them are public
        raise UserError(f"source: {kept} is broken ({type(fault).__name__}); delete it") from None
    bare = frame["text"].str.strip() == ""
    notes = [f"dropped {int(bare.sum())} of {len(frame)} posts that have no text"]
    frame = frame[~bare]
    names = sorted(frame["group"].unique())
    y = np.searchsorted(names, frame["group"].to_numpy()).astype(np.int64)
    about = "Lang, K. (1995). NewsWeeder: Learning to filter netnews."
    source = origin_of("newsgroups", about, "none stated", [kept])
    own = frame["test"].to_numpy(bool)
    return Pool("text", frame["text"].tolist(), y, names, source, own, notes=notes)


def _both(home: str) -> pd.DataFrame:
    import pandas as pd
    from sklearn.datasets import fetch_20newsgroups

    parts = []
    for part in ("train", "test"):
        bunch = fetch_20newsgroups(
            data_home=home, subset=part, shuffle=False, remove=("headers", "footers", "quotes"),
            n_retries=1,
        )  # fmt: skip
        groups = [bunch.target_names[c] for c in bunch.target]
        parts.append(pd.DataFrame({"text": bunch.data, "group": groups, "test": part == "test"}))
    return pd.concat(parts, ignore_index=True)


SOURCE = Source(
    name="newsgroups",
    kind="text",
    origin="downloaded",
    description="posts of 20 newsgroups without headers, footers and quotes, 11,314 + 7,532 "
    "samples (scikit-learn)",
    read=read,
    keys=("path",),
)
