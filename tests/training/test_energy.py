"""Energy: counters that wrap, other processes' share, and every way in which there is no number."""

from __future__ import annotations

import math
import os
import sys
import threading
import types
from pathlib import Path

import pytest
from alphascale.records.training import Energy
from alphascale.training.energy import (
    CORE_W,
    CPU_UPDATE_S,
    GPU_UPDATE_S,
    GPU_W,
    UPDATES,
    Meter,
    busy_seconds,
)

TICKS = os.sysconf("SC_CLK_TCK")


class Machine:
    """Counters of a made machine: a folder like /sys/class/powercap, a file like /proc/stat."""

    def __init__(self, folder: Path, zones: dict[str, str], wraps_at: float = 1000.0):
        self.folder, self.stat = folder / "powercap", folder / "stat"
        for zone, name in zones.items():
            path = self.folder / zone
            path.mkdir(parents=True)
            (path / "name").write_text(name + "\n")
            (path / "max_energy_range_uj").write_text(f"{wraps_at * 1e6:.0f}\n")
            self.set(zone, 0.0)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.busy(0.0)

    def set(self, zone: str, joules: float) -> None:
        """Whole or not at all, as a counter is: a reader that met an empty file ended the meter."""
        path = self.folder / zone / "energy_uj"
        path.with_suffix(".new").write_text(f"{joules * 1e6:.0f}\n")
        path.with_suffix(".new").replace(path)

    def busy(self, seconds: float) -> None:
        """Seconds used by all processes, and far more idle ones."""
        ticks = round(seconds * TICKS)
        self.stat.write_text(f"cpu  {ticks} 0 0 {10_000 * TICKS} 777 0 0 0 0 0\ncpu0 1 2 3 4\n")

    def meter(self, **options) -> Meter:
        """A meter whose counters are always up to date, so that no window is too short."""
        return Meter(powercap=self.folder, stat=self.stat, **{"update_s": 0.0, **options})


def test_packages_and_memory_are_added_and_what_contains_them_is_not(tmp_path: Path) -> None:
    zones = {
        "intel-rapl:0": "package-0", "intel-rapl:0:0": "core", "intel-rapl:0:1": "dram",
        "intel-rapl:1": "package-1", "intel-rapl:2": "psys",
    }  # fmt: skip
    machine = Machine(tmp_path, zones)
    with machine.meter() as meter:
        for zone, joules in zip(zones, (10, 500, 3, 20, 900), strict=True):
            machine.set(zone, joules)
    found = meter.result()
    assert found.joules == pytest.approx(33) and found.how.startswith("measured: RAPL")
    assert "psys" not in found.how


def test_a_counter_that_wraps_between_samples_loses_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"intel-rapl:0": "package-0"}, wraps_at=100.0)
    machine.set("intel-rapl:0", 90)
    with machine.meter(sample_s=0.01) as meter:
        for joules in (99, 30, 80, 20):  # +9, +31 over the end, +50, +40 over the end
            machine.set("intel-rapl:0", joules)
            moved = threading.Event()
            while meter.last[0] != joules:
                assert meter.partial is None, meter.partial
                moved.wait(0.005)
    assert meter.result().joules == pytest.approx(9 + 31 + 50 + 40)


def test_a_job_pays_its_share_of_a_busy_machine(tmp_path: Path, monkeypatch) -> None:
    machine = Machine(tmp_path, {"intel-rapl:0": "package-0"})
    used = iter((5.0, 7.0))
    monkeypatch.setattr("alphascale.training.energy.time.process_time", lambda: next(used))
    with machine.meter() as meter:
        machine.set("intel-rapl:0", 80)
        machine.busy(8.0)
    found = meter.result()
    assert found.joules == pytest.approx(80 * 2 / 8) and "25 %" in found.how


def test_what_is_busy_is_all_but_idle_and_waiting(tmp_path: Path) -> None:
    """proc(5): user, nice, system, idle, iowait, irq, softirq, steal; guests are within user."""
    stat = tmp_path / "stat"
    stat.write_text("cpu  1 20 300 4000 50000 600000 7000000 80000000 900000000 9\ncpu0 1 2\n")
    assert busy_seconds(stat) == pytest.approx(87_600_321 / TICKS)
    assert busy_seconds(tmp_path / "none") == 0.0


def test_without_counters_there_is_a_reason_and_no_number(tmp_path: Path) -> None:
    with Machine(tmp_path, {}).meter() as meter:
        pass
    found = meter.result()
    assert found.joules is None
    assert found.how.startswith("not measured") and "no counters" in found.how


def test_a_counter_for_root_only_is_named(tmp_path: Path, monkeypatch) -> None:
    machine = Machine(tmp_path, {"intel-rapl:0": "package-0"})
    read = Path.read_text

    def denied(path: Path, *args, **kwargs) -> str:
        if path.name == "energy_uj":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", denied)
    with machine.meter() as meter:
        pass
    assert meter.result().joules is None and "root" in meter.result().how


def test_a_counter_that_dies_costs_the_number_not_the_training(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"intel-rapl:0": "package-0"})
    with machine.meter() as meter:
        (machine.folder / "intel-rapl:0" / "energy_uj").unlink()
    assert meter.result().joules is None and "failed" in meter.result().how


def test_a_resumed_job_claims_no_energy(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"intel-rapl:0": "package-0"})
    with machine.meter(partial="the job goes on from a checkpoint") as meter:
        machine.set("intel-rapl:0", 50)
    assert meter.result() == Energy(None, "not measured: the job goes on from a checkpoint")


def _nvml(counter: list[int], fails: bool = False) -> types.ModuleType:
    """A stand-in for the driver's library: the counter in millijoules."""
    module = types.ModuleType("pynvml")

    class NVMLError(Exception):
        pass

    def handle(uuid: bytes) -> bytes:
        if fails:
            raise NVMLError("Not Supported")
        return uuid

    module.NVMLError = NVMLError
    module.nvmlInit = lambda: None
    module.nvmlDeviceGetHandleByUUID = handle
    module.nvmlDeviceGetTotalEnergyConsumption = lambda device: counter[0]
    module.nvmlDeviceGetPowerManagementLimit = lambda device: 300_000
    return module


def test_a_gpu_is_read_in_millijoules_and_says_that_the_cpu_is_missing(
    tmp_path: Path, monkeypatch
) -> None:
    counter = [5_000]
    monkeypatch.setitem(sys.modules, "pynvml", _nvml(counter))
    with Machine(tmp_path, {}).meter(gpu="12ab") as meter:
        counter[0] = 47_500
    found = meter.result()
    assert found.joules == pytest.approx(42.5) and "without the CPU" in found.how


def test_a_gpu_that_cannot_be_read_is_not_replaced_by_the_cpu(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", _nvml([0], fails=True))
    machine = Machine(tmp_path, {"intel-rapl:0": "package-0"})
    with machine.meter(gpu="12ab") as meter:
        machine.set("intel-rapl:0", 50)
    assert meter.result() == Energy(None, "not measured: NVML: Not Supported")


def test_a_window_of_few_updates_is_no_measurement(tmp_path: Path) -> None:
    """A window of 0.2 s holds two steps of a counter that moves every 0.1 s, or three."""
    machine = Machine(tmp_path, {"intel-rapl:0": "package-0"})
    for update, told in ((0.1, False), (1e-6, True)):
        with machine.meter(update_s=update) as meter:
            machine.set("intel-rapl:0", 50)
            threading.Event().wait(0.01)
        found = meter.result()
        assert (found.joules is not None) is told
        assert told or "fewer than 20 updates of the CPU's counters" in found.how
        machine.set("intel-rapl:0", 0)


def test_what_is_too_short_on_the_machine_itself() -> None:
    """2 s of a GPU, 0.2 s of a CPU whose clock ticks 100 times a second."""
    assert UPDATES * GPU_UPDATE_S == 2.0
    assert pytest.approx(UPDATES * CPU_UPDATE_S) == 20 / TICKS


@pytest.mark.parametrize(
    "after, why",
    [
        (50_000, "NVML fell from 100 to 50 J"),
        (math.nan, "NVML shows nan J"),
        (math.inf, "NVML shows inf J"),
        (100_000, "counter stood still for"),
        (2_000_000, "more than 900 W"),
    ],
)
def test_what_no_counter_of_a_gpu_can_show_is_no_measurement(
    tmp_path: Path, monkeypatch, after: float, why: str
) -> None:
    """Negative joules, no number, none at all, and 1,900 J in no time of a card of 300 W."""
    counter = [100_000]
    monkeypatch.setitem(sys.modules, "pynvml", _nvml(counter))
    with Machine(tmp_path, {}).meter(gpu="12ab") as meter:
        counter[0] = after
    found = meter.result()
    assert found.joules is None and found.how.startswith("not measured: ") and why in found.how


def test_a_counter_that_is_set_back_has_not_wrapped(tmp_path: Path) -> None:
    """From 5,000 to 4,900 J: over the end of 7,015 J it would have been 6,915."""
    machine = Machine(tmp_path, {"intel-rapl:0": "package-0"}, wraps_at=7015.0)
    machine.set("intel-rapl:0", 5000)
    with machine.meter() as meter:
        machine.set("intel-rapl:0", 4900)
    found = meter.result()
    assert found.joules is None and "went from 5000 to 4900 J" in found.how
    assert "more than 1500 W" in found.how


def test_a_package_that_stands_still_is_not_counted(tmp_path: Path, monkeypatch) -> None:
    """On a CPU there is no measurement then; on a GPU that of its own is left. Memory may."""
    zones = {"intel-rapl:0": "package-0", "intel-rapl:0:0": "dram", "intel-rapl:1": "package-1"}
    machine, counter = Machine(tmp_path, zones), [0]
    with machine.meter() as meter:
        machine.set("intel-rapl:0", 50)
    assert meter.result().joules is None and "package-1 stood still" in meter.result().how
    monkeypatch.setitem(sys.modules, "pynvml", _nvml(counter))
    with machine.meter(gpu="12ab") as meter:
        machine.set("intel-rapl:0", 70)
        counter[0] = 30_000
    found = meter.result()
    assert found.joules == pytest.approx(30)
    assert "without the CPU (RAPL: package-1 stood still" in found.how
    with machine.meter() as meter:
        machine.set("intel-rapl:0", 80)
        machine.set("intel-rapl:1", 5)
    assert meter.result().how.startswith("measured: RAPL (package-0, dram, package-1)")


def test_jobs_that_share_a_gpu_are_charged_once_together(tmp_path: Path, monkeypatch) -> None:
    """Alone for 30 J, with another for 40 J: 30 + 20."""
    counter, jobs = [0], [1]
    monkeypatch.setitem(sys.modules, "pynvml", _nvml(counter))
    with Machine(tmp_path, {}).meter(gpu="12ab", sample_s=60.0, jobs=lambda: jobs[0]) as meter:
        counter[0] = 30_000
        meter._add()
        counter[0], jobs[0] = 70_000, 2
    found = meter.result()
    assert found.joules == pytest.approx(50) and "shared by up to 2 jobs" in found.how
    counter[0], jobs[0] = 0, 2
    meters = [Meter(gpu="12ab", jobs=lambda: 2, update_s=0.0) for _ in range(2)]
    with meters[0], meters[1]:
        counter[0] = 80_000
    assert sum(meter.result().joules for meter in meters) == pytest.approx(80)


def test_an_estimate_is_of_the_time_that_the_device_was_the_jobs(tmp_path, monkeypatch) -> None:
    """A job of one thread that had 2 s of CPU in 8 s of a busy machine drew 20 J, not 80."""
    used, clock = iter((5.0, 7.0)), iter((100.0, 108.0))
    monkeypatch.setattr("alphascale.training.energy.time.process_time", lambda: next(used))
    monkeypatch.setattr("alphascale.training.energy.time.monotonic", lambda: next(clock))
    with Machine(tmp_path, {}).meter() as meter:
        pass
    found = meter.record(threads=1)
    assert found.joules is None
    assert 8.0 * found.watts == pytest.approx(2 * CORE_W)
    # More threads than cores were kept busy by would be no more; fewer are the most there is.
    meter.process = 24.0
    assert meter.record(threads=2).watts == pytest.approx(2 * CORE_W)


def test_an_estimate_of_a_shared_gpu_is_its_part(tmp_path: Path, monkeypatch) -> None:
    module = _nvml([0], fails=True)
    monkeypatch.setitem(sys.modules, "pynvml", module)
    with Machine(tmp_path, {}).meter(gpu="12ab", jobs=lambda: 4) as meter:
        threading.Event().wait(0.02)
    meter.process = 0.0
    assert meter.record(threads=1).watts == pytest.approx(GPU_W / 4)


def test_one_counter_that_is_shown_twice_is_added_once(tmp_path: Path) -> None:
    zones = {"intel-rapl:0": "package-0", "intel-rapl:1": "package-1", "intel-rapl:2": "package-2"}
    machine = Machine(tmp_path, zones, wraps_at=100_000.0)
    for zone, joules in zip(zones, (5000.0, 5000.4, 7000.0), strict=True):
        machine.set(zone, joules)
    with machine.meter() as meter:
        for zone, joules in zip(zones, (5010.0, 5010.4, 7005.0), strict=True):
            machine.set(zone, joules)
    assert meter.result().joules == pytest.approx(15)
    assert "package-0, package-2" in meter.result().how
