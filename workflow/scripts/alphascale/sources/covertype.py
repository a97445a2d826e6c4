"""Covertype, fetched by scikit-learn when a study first asks for it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.fetch import fetch, folder_of
from ..data.pool import Pool, origin_of
from ..errors import UserError
from ..records.data import DataSpec
from ..records.files import replacing, sha256_file
from .descriptor import Source

if TYPE_CHECKING:
    import numpy as np

SHAPE = (581_012, 55)
# The file of UCI and of scikit-learn's mirror of it.
SHA256 = "614360d0257557dd1792834a85a1cdebfadc3c4f30b011d56afee7ffb5b15771"
NUMBERS = [
    "Elevation", "Aspect", "Slope", "Horizontal_Distance_To_Hydrology",
    "Vertical_Distance_To_Hydrology", "Horizontal_Distance_To_Roadways", "Hillshade_9am",
    "Hillshade_Noon", "Hillshade_3pm", "Horizontal_Distance_To_Fire_Points",
]  # fmt: skip
TYPES = [
    "Spruce/Fir", "Lodgepole Pine", "Ponderosa Pine", "Cottonwood/Willow", "Aspen",
    "Douglas-fir", "Krummholz",
]  # fmt: skip


def read(spec: DataSpec) -> Pool:
    """581,012 patches of forest: 10 numbers, 44 columns of 0 and 1, seven kinds of cover."""
    import numpy as np
    import pandas as pd
    from filelock import FileLock

    folder = folder_of(spec.path, "covertype")
    packed, raw = folder / "covertype.npz", folder / "covtype.data.gz"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        if raw.exists() and not packed.exists():
            _pack(_by_hand(raw), packed)
        if not packed.exists():
            fetch(
                "covertype",
                "https://ndownloader.figshare.com/files/5976039",
                f"put covtype.data.gz of the UCI repository into {folder}/",
                lambda: _pack(_by_sklearn(), packed),
            )
    try:
        with np.load(packed, allow_pickle=False) as arrays:
            table = arrays["table"]
    except (OSError, ValueError, KeyError, EOFError) as fault:
        raise UserError(f"source: {packed} is broken ({fault}); delete it") from None
    areas = [f"Wilderness_Area_{i}" for i in range(4)]
    soils = [f"Soil_Type_{i}" for i in range(40)]
    frame = pd.DataFrame(table[:, :-1], columns=NUMBERS + areas + soils)
    y = table[:, -1].astype(np.int64) - 1
    about = "Blackard, J. (1998). Covertype. UCI Machine Learning Repository. doi:10.24432/C50K5N"
    source = origin_of("covertype", about, "CC BY 4.0", [packed])
    return Pool("tabular", frame, y, TYPES, source)


def _by_sklearn() -> np.ndarray:
    """The table as scikit-learn fetches it, whose own cache is a pickle and is not kept."""
    import numpy as np
    from sklearn.datasets import fetch_covtype

    with tempfile.TemporaryDirectory() as home:
        found = fetch_covtype(data_home=home, n_retries=1)
    return np.column_stack([found.data, found.target])


def _by_hand(path: Path) -> np.ndarray:
    import numpy as np
    import pandas as pd

    if sha256_file(path) != SHA256:
        raise UserError(
            f"source: {path} is not the file expected (SHA-256 {SHA256[:12]}…): fetch it "
            "again from the UCI repository"
        )
    return pd.read_csv(path, header=None, dtype=np.float64).to_numpy()


def _pack(table: np.ndarray, path: Path) -> None:
    """Keep the table as arrays without pickle, so that it is read again without network."""
    import numpy as np

    if table.shape != SHAPE:
        raise UserError(f"source: covertype has shape {table.shape}, not {SHAPE}")
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, table=table.astype(np.float32))


SOURCE = Source(
    name="covertype",
    kind="tabular",
    origin="downloaded",
    description="patches of forest as 54 columns, 7 kinds of cover, 581,012 samples (UCI by "
    "scikit-learn, CC BY 4.0)",
    read=read,
    keys=("path",),
)
