"""What energy is estimated by where it was not measured: the device that trained, and said so."""

from __future__ import annotations

import sys
import types

import numpy as np
import pandas as pd
import pytest
from alphascale.config import Costs
from alphascale.deciding.costs import power, study_price
from alphascale.records.specs import Prices
from alphascale.training.energy import CORE_W, GPU_W, rated
from observations_made import observed


def prices(watts: float | None) -> Prices:
    return Prices(watts, None, 400.0, "stated", 1.0, 0.25, None, "USD")


def frame(watts: list[float | None], how: str = "1 CPU core × 10 W") -> pd.DataFrame:
    """Two jobs, of 1 and 3 seconds."""
    made = observed({"a": 10, "b": 20}, lambda n, d: 0.1, noise=0.0, pool=10, epochs=1, seeds=[0])
    return made.assign(job_seconds=[1.0, 3.0], watts=watts, watts_how=how)


class Gpu(Exception):
    """NVML's fault."""


def nvml(limit_mw: int | None) -> types.ModuleType:
    module = types.ModuleType("pynvml")

    def limit(device: str) -> int:
        if limit_mw is None:
            raise Gpu("not supported")
        return limit_mw

    module.NVMLError, module.nvmlInit = Gpu, lambda: None
    module.nvmlDeviceGetHandleByUUID = lambda uuid: uuid
    module.nvmlDeviceGetPowerManagementLimit = limit
    return module


def test_a_cpu_is_rated_by_the_cores_that_it_uses() -> None:
    how = "10 W for each CPU core, by the CPU time used"
    assert rated(None, 2) == (2 * CORE_W, how)
    # Of a core that others use as well half is its own: the same words, so that jobs compare.
    assert rated(None, 0.5) == (CORE_W / 2, how)


def test_a_gpu_says_itself_what_it_may_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml(700_000))
    watts, how = rated("GPU-1", 1)
    assert watts == 700 + CORE_W and how.startswith("700 W, the GPU's own limit (NVML), and 10 W")
    half, how = rated("GPU-1", 1, 0.5)
    assert half == 350 + CORE_W and "shared out among the jobs that held it" in how
    monkeypatch.setitem(sys.modules, "pynvml", nvml(None))
    watts, how = rated("1", 1)
    assert watts == GPU_W + CORE_W and "limit is not known (NVML: not supported)" in how
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert "nvidia-ml-py is not installed" in rated("1", 1)[1]


def test_two_cores_are_not_billed_as_a_gpu() -> None:
    assert Costs().watts is None
    found = power(frame([10.0, 20.0], "CPU cores × 10 W"), prices(None))
    assert found.watts == pytest.approx(17.5)  # by time
    assert found.how == "17.5 W (CPU cores × 10 W) × training time"
    assert study_price(frame([10.0, 20.0]), prices(None)).kwh == pytest.approx(70 / 3.6e6)


def test_what_the_study_states_is_believed_and_what_was_measured_before_all() -> None:
    table = frame([10.0, 10.0])
    assert power(table, prices(80.0)).watts == 80.0
    assert power(table.assign(joules=[6.0, 6.0]), prices(80.0)).watts == 3.0


def test_jobs_without_a_second_of_time_have_a_power_still() -> None:
    table = frame([10.0, 20.0]).assign(job_seconds=0.0)
    assert power(table, prices(None)).watts == pytest.approx(15.0)
    assert power(table.assign(joules=[6.0, 6.0]), prices(None)).watts == pytest.approx(15.0)
    one = frame([10.0, 10.0]).assign(joules=[6.0, 9.0], job_seconds=[0.0, 3.0])
    assert power(one, prices(None)).watts == pytest.approx(3.0)


def test_an_unknown_device_is_said_to_be_one() -> None:
    found = power(frame([None, np.nan]), prices(None))
    assert found.watts == 250.0 and "an unknown device's" in found.how
