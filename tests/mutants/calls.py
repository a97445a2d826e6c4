"""A pytest plugin: which functions of the package each test calls, and how long it takes.

    PYTHONPATH=tests/mutants python -m pytest -n 0 -p calls --calls=calls.json

Calls of a fixture that tests share belong to all that ask for it. Calls in subprocesses are not
seen, and tests that use the finished study are left out: they are run where nothing else is.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

import pytest

MARK = "/workflow/scripts/alphascale/"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--calls", help="file for what each test calls")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--calls"):
        config.pluginmanager.register(Calls(Path(config.getoption("--calls"))))


class Calls:
    """What is running, and what was called meanwhile."""

    def __init__(self, path: Path):
        self.path = path
        self.running: list[set[str]] = [set()]
        self.of_fixture: dict[object, set[str]] = defaultdict(set)
        self.of_test: dict[str, set[str]] = {}
        self.seconds: dict[str, float] = defaultdict(float)
        self.bad: set[str] = set()
        self.names: dict[object, str | None] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if "finished" not in item.fixturenames]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item):
        self.running.append(set())
        sys.setprofile(self.look)
        try:
            return (yield)
        finally:
            sys.setprofile(None)
            called = self.running.pop()
            for definitions in item._fixtureinfo.name2fixturedefs.values():
                for each in definitions:
                    called |= self.of_fixture.get(id(each), set())
            self.of_test[item.nodeid] = called

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        self.running.append(self.of_fixture[id(fixturedef)])
        try:
            return (yield)
        finally:
            # One fixture may be made of another: what that calls is its own as well.
            self.running[-2].update(self.running.pop())

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if report.outcome != "passed":
            self.bad.add(report.nodeid)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return  # it did not come to the tests
        tests = {
            name: {"seconds": self.seconds[name], "calls": sorted(called)}
            for name, called in self.of_test.items()
            if name not in self.bad
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(tests, indent=1))

    def look(self, frame, event: str, argument: object) -> None:
        if event == "call":
            code = frame.f_code
            if code not in self.names:
                _, found, file = code.co_filename.partition(MARK)
                # A nested function has the name of the one that it lies in, without `<locals>`.
                name = code.co_qualname.replace(".<locals>", "")
                self.names[code] = f"{file}:{name}" if found else None
            if (name := self.names[code]) is not None:
                self.running[-1].add(name)
