"""What the models of a training job gave for the test split: a file beside its record.

From it `aggregate` measures whatever a target can be of, so that another target trains nothing
anew. (Measuring in the job itself would import scikit-learn's metrics there: 1.8 s of CPU in each
of a study's jobs; torchmetrics' are 5.9 s.)
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from .files import REBUILD, sha256_file, write_tensors

if TYPE_CHECKING:
    import numpy as np

# Outputs of more classes than this are kept in half precision: of 1,000 classes and 50,000 samples
# that is 100 MB a seed. Ranks among them are those of three digits.
MANY = 64


def outputs_path(record: str | os.PathLike) -> Path:
    """Where the outputs of a record lie."""
    path = Path(record)
    return path.with_name(f"{path.stem}.outputs.safetensors")


def write_outputs(record: str | os.PathLike, outputs: dict[int, np.ndarray]) -> str:
    """Write the test outputs [n, K] of each seed, as the model gives them; returns the SHA-256."""
    import numpy as np

    kept = {str(seed): np.ascontiguousarray(values) for seed, values in outputs.items()}
    return write_tensors(outputs_path(record), kept)


def check_outputs(record: str | os.PathLike, sha256: str) -> None:
    """Raise UserError, naming the file, where it is gone or is not what its record speaks of."""
    path = outputs_path(record)
    try:
        if sha256_file(path) != sha256:
            raise UserError(f"{path}: not the test outputs that its record speaks of; {REBUILD}")
    except OSError as fault:
        why = fault.strerror or fault
        raise UserError(f"{path}: test outputs cannot be read ({why}); {REBUILD}") from None


def read_outputs(record: str | os.PathLike) -> dict[int, np.ndarray]:
    """Seed → test outputs, float [n, K], of the runs that ended well; checked by `read_record`."""
    from safetensors.numpy import load_file

    return {int(seed): values for seed, values in load_file(outputs_path(record)).items()}
