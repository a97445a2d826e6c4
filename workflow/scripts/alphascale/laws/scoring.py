"""How far predictions are from observations, and how sure that figure is."""

from __future__ import annotations

import numpy as np

FloatArray = np.ndarray


def log_rmse(predicted: FloatArray, observed: FloatArray) -> float:
    """Root mean square of log(predicted / observed)."""
    return float(np.sqrt(np.mean(_squares(predicted, observed))))


def log_rmse_error(predicted: FloatArray, observed: FloatArray) -> float:
    """Its standard error, as the benchmark of Alabdulmohsin et al. 2022 takes it: the mean square m
    and its own standard error s give √(m + s) − √m. NaN of one point, which cannot tell."""
    squares = _squares(predicted, observed)
    if len(squares) < 2:
        return float("nan")
    mean, error = np.mean(squares), np.std(squares) / np.sqrt(len(squares))
    return float(np.sqrt(mean + error) - np.sqrt(mean))


def _squares(predicted: FloatArray, observed: FloatArray) -> FloatArray:
    return np.atleast_1d((np.log(predicted) - np.log(observed)) ** 2)
