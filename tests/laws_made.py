"""Points of known laws, for tests of the engine and of what is built on it."""

from __future__ import annotations

import numpy as np
from alphascale.literature.published import PUBLISHED

X = np.repeat(np.geomspace(1e4, 3e6, 6), 2)
NOISE = np.random.default_rng(0).standard_normal(len(X))


def chinchilla(noise: float = 0.0, seed: int = 0) -> dict[str, np.ndarray]:
    c = PUBLISHED["chinchilla"].constants
    n, d = (v.ravel() for v in np.meshgrid(np.geomspace(1e8, 1e10, 7), np.geomspace(1e9, 3e11, 7)))
    y = c["E"] + c["A"] * n ** -c["alpha"] + c["B"] * d ** -c["beta"]
    y = y * np.exp(noise * np.random.default_rng(seed).standard_normal(len(y)))
    return {"N": n, "D": d, "loss": y}
