"""scikit-learn's own tables, by name."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.fetch import fetch, folder_of
from ..data.pool import Pool, origin_of
from ..errors import UserError
from ..records.data import DataSpec, Origin
from ..records.files import replacing
from .descriptor import Source

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

# Name → what is asked for a sample. All but the last lie in the installed package.
SETS = {
    "iris": "classes", "wine": "classes", "breast_cancer": "classes", "digits": "classes",
    "diabetes": "numbers", "california_housing": "numbers",
}  # fmt: skip
HOUSES, HOUSES_AT = "cal_housing.tgz", "https://ndownloader.figshare.com/files/5976036"


def read(spec: DataSpec) -> Pool:
    """A table as its loader gives it, the label under scikit-learn's name for it."""
    import numpy as np

    name = str(spec.name)
    if name == "california_housing":
        table, y, origin = _houses(folder_of(spec.path, "sklearn"))
        return Pool("tabular", table, y, ["MedHouseVal"], origin, task="numbers")
    import sklearn
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    version = {f"scikit-learn {sklearn.__version__}": "of the installed package"}
    source = Origin(name, f"scikit-learn, load_{name}", "BSD, as scikit-learn", version)
    if SETS[name] == "numbers":
        y = bunch.target.to_numpy(np.float64)
        return Pool("tabular", bunch.data, y, [name], source, task="numbers")
    names = [str(each) for each in bunch.target_names]
    return Pool("tabular", bunch.data, bunch.target.to_numpy(np.int64), names, source)


def _houses(folder: Path) -> tuple[pd.DataFrame, np.ndarray, Origin]:
    import numpy as np
    import pandas as pd
    from sklearn.datasets import fetch_california_housing

    kept, by_hand = folder / "california_housing.parquet", folder / HOUSES
    if not kept.exists():
        frame = by_sklearn(
            "california_housing", by_hand, HOUSES_AT, HOUSES,
            lambda home: fetch_california_housing(data_home=home, as_frame=True, n_retries=1).frame,
        )  # fmt: skip
        with replacing(kept) as temporary:
            frame.to_parquet(temporary)
    try:
        frame = pd.read_parquet(kept)
        y = frame.pop("MedHouseVal").to_numpy(np.float64)
    except Exception as fault:  # pyarrow has its own, and not all of them are public
        raise UserError(f"name: {kept} is broken ({type(fault).__name__}); delete it") from None
    about = "Pace, R. K. & Barry, R. (1997). Sparse Spatial Autoregressions."
    return frame, y, origin_of("california_housing", about, "none stated", [kept])


def by_sklearn(
    what: str,
    by_hand: Path,
    address: str,
    inside: str,
    load: Callable[[str], pd.DataFrame],
    key: str = "name",
) -> pd.DataFrame:
    """What one of scikit-learn's fetchers gives, of the archive `by_hand` if that lies there.

    Its own cache is a pickle and is not kept. It takes an archive that lies where it would put it,
    `inside` its folder, if the SHA-256 is the one it knows.
    """
    from filelock import FileLock

    folder = by_hand.parent
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"), tempfile.TemporaryDirectory() as home:
        if by_hand.exists():
            (Path(home) / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(by_hand, Path(home) / inside)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of another sum: the message below says it
                    return load(home)
            except Exception as fault:  # of another sum, it has tried the network in vain
                raise UserError(
                    f"{key}: {by_hand} is not the file expected ({type(fault).__name__}): fetch it "
                    f"again from {address}"
                ) from None
        hint = f"put {by_hand.name} into {folder}/"
        return fetch(what, address, hint, lambda: load(home), key)


def check(spec: DataSpec) -> None:
    if spec.name not in SETS:
        raise UserError(
            f"name: {spec.name!r} is none of scikit-learn's tables here: {', '.join(SETS)} (20 "
            "Newsgroups is source `newsgroups`, Covertype `covertype`)"
        )
    if (spec.task or "classes") != SETS[spec.name]:
        raise UserError(
            f"task: {spec.name} holds {SETS[spec.name]}: write `task: {SETS[spec.name]}`"
        )


SOURCE = Source(
    name="sklearn",
    kind="tabular",
    origin="downloaded",
    description="a table of scikit-learn by `name`: iris, wine, breast_cancer, digits, diabetes "
    "(numbers), which lie in the package, or california_housing (numbers), which is fetched",
    read=read,
    keys=("name", "path", "task"),
    check=check,
)
