"""Paths and fixtures that several test files share."""

from __future__ import annotations

import os
import signal
from pathlib import Path

# Before numpy and torch load: their threads only get into each other's way on tasks this small (on
# a busy machine one file took 360 s with them and 12 s without).
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import pytest
from running import snakemake
from study_made import copy_project, own_study, write_study

# The same examples every time: a change is judged by its own faults. HYPOTHESIS_RANDOM=1 looks for
# new ones.
hypothesis.settings.register_profile("same", derandomize=True)
if not os.environ.get("HYPOTHESIS_RANDOM"):
    hypothesis.settings.load_profile("same")

# A shell that runs the tests in its background has them ignore Ctrl-C, and all that they start: a
# test that interrupts a study would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ALPHASCALE_SHARED", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of public observations; the test is skipped where it is absent."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: public observations for this test are not here")
    return folder


@pytest.fixture(scope="session")
def finished(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose study on a user's own data has run. Its path has a space on purpose."""
    folder = copy_project(root, tmp_path_factory.mktemp("my project"))
    write_study(folder, own_study(folder / "data"))
    done = snakemake(folder)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    (folder / "printed.txt").write_text(done.stdout)
    return folder


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups after it
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each file to one worker, and all that use the finished study to one, so that it runs
    once; that one begins first, for it takes longest."""

    def shares(item: pytest.Item) -> bool:
        return "finished" in getattr(item, "fixturenames", ())

    for item in items:
        if "chunk" in getattr(item, "fixturenames", ()):  # thousands of cases: a worker each
            item.add_marker(pytest.mark.xdist_group(item.name))
            continue
        item.add_marker(pytest.mark.xdist_group("finished" if shares(item) else item.path.name))
    items.sort(key=shares, reverse=True)
