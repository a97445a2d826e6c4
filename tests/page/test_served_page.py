"""The page of a study with `serving`: its programs, without a browser, give what was decided."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from alphascale.config import Serving
from alphascale.deciding.decision import decide
from alphascale.deciding.models import of_table
from alphascale.fitting.domain import bootstrap_domain, fit_domain
from alphascale.page import build
from alphascale.page.payload import Stages, domain_payload
from alphascale.records.data import Meta
from alphascale.records.decision import BARE, DecisionRecord
from alphascale.records.serving import Answering, ServedSize, ServingRecord
from alphascale.records.specs import (
    BootstrapSpec,
    DecisionSpec,
    FitSpec,
    Prices,
    ServingSpec,
    Target,
)
from alphascale.records.training import Device
from alphascale.units import count, energy, money, prefixed, significant, spread
from observations_made import observed
from playwright.sync_api import sync_playwright

SIZES = {f"n{n}": n for n in (500, 1_000, 2_000, 4_000, 8_000, 16_000)}
NAIVE = 1_000_000
PRICES = Prices(
    watts=100.0, flops_per_second=1e9, carbon_g_per_kwh=400.0, carbon_source="stated", pue=1.2,
    price_per_kwh=0.5, price_per_hour=None, currency="EUR",
)  # fmt: skip
META = Meta("tabular", 10**6, (1,), None, None, None, None)


def measured() -> ServingRecord:
    """0.1 ms and 10 ns a parameter; 20 W; the naive model a tenth slower than the curve."""

    def of(n: int) -> Answering:
        each = (1e-4 + 1e-8 * n) * (1.1 if n == NAIVE else 1.0)
        return Answering(
            9, each, 1.5 * each, 512, 1e4, 4 * n, 4 * n + 500, 20 * each, "estimated: 20 W", 0.0
        )

    sizes = [
        ServedSize(name, {"params": n}, {"total": n, "non_embedding": n}, 2 * n, of(n))
        for name, n in {**SIZES, "the naive model": NAIVE}.items()
    ]
    spec = ServingSpec("d", BARE, {}, None, "total", 1, "float32", "cpu")
    return ServingRecord(spec, "code", sizes, "made", Device("cpu", "made", "float32", 1), 0.0)


@pytest.fixture(scope="module")
def fitted() -> tuple:
    frame = observed(SIZES, lambda n, d: 0.02 + 3.0 * n**-0.5, noise=0.01, pool=5000, epochs=5)
    frame = frame.assign(learning_rate=0.01, epochs_run=5)
    fits = fit_domain("d", FitSpec("auto", "total", withhold=1), frame)
    boot = BootstrapSpec("auto", "total", "error", 200, level=0.95, seed=0)
    return frame, fits, bootstrap_domain("d", boot, frame, fits)


@pytest.fixture(scope="module")
def both() -> tuple:
    """The same of size and data."""
    frame = observed(
        SIZES, lambda n, d: 0.02 + 3.0 * n**-0.5 + 30.0 * d**-0.9, noise=0.005, pool=20_000,
        epochs=5, fractions=("0.125", "0.25", "0.5", "1.0"),
    )  # fmt: skip
    frame = frame.assign(learning_rate=0.01, epochs_run=5)
    fits = fit_domain("d", FitSpec("auto", "total", withhold=1), frame)
    boot = BootstrapSpec("auto", "total", "error", 200, level=0.95, seed=0)
    return frame, fits, bootstrap_domain("d", boot, frame, fits)


def written(
    fitted: tuple, asked: Serving, folder: Path, record: ServingRecord | None = None
) -> tuple[DecisionRecord, Path]:
    """What was decided, and the page."""
    frame, fits, bootstrap = fitted
    spec = DecisionSpec(
        domain="d", metric="error", target=Target("error", 0.05), family=BARE,
        ladder={name: {"params": n} for name, n in SIZES.items()}, naive={"params": NAIVE},
        epochs=5, batch_size=100, members=3, counted="total", level=0.95, costs=PRICES,
        serving=asked,
    )  # fmt: skip
    found = decide(spec, frame, fits, bootstrap, META, of_table(frame), record or measured())
    payload = domain_payload(Stages(spec, frame, fits, bootstrap, found, None, {}), None)
    page = folder / "study.html"
    build.write_page(page, "made", [build.study_payload("made", [payload])], "")
    return found, page


def shown(
    fitted: tuple, asked: Serving, folder: Path, record: ServingRecord | None = None
) -> tuple[DecisionRecord, dict]:
    """What was decided, and what the page says of it."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine: the page's programs are not tried without a browser")
    found, page = written(fitted, asked, folder, record)
    program = Path(__file__).with_name("served.js")
    done = subprocess.run(
        [node, str(program), str(build.HERE / "assets"), str(page)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return found, json.loads(done.stdout)["d"]


def test_answers_cost_on_the_page_what_they_do_in_the_decision(fitted: tuple, tmp_path) -> None:
    found, page = shown(fitted, Serving(requests=1e7, latency_ms=50), tmp_path)
    assert page["requests"] == 1e7
    for run in ("build", "naive"):
        life = getattr(found.serving, run)
        assert page[run]["kwh"] == pytest.approx(life.serving_kwh)
        assert page[run]["money"] == pytest.approx(life.serving_money)
        assert page[run]["serves"]["seconds_95"] == pytest.approx(life.serves.seconds_95.mean)
        told = (
            energy(life.kwh), money(life.money, "EUR"), prefixed(life.serves.seconds.mean, "s")
        )  # fmt: skip
        assert all(each in page["words"] for each in told), (run, told)
    assert "of 50 ms allowed" in page["words"] and "latency was not measured" not in page["words"]
    saved = 100 * found.serving.energy
    assert f"{significant(saved)} % of the naive model's energy" in " ".join(page["words"].split())


def test_a_size_that_breaks_a_limit_is_not_shown_to_be_built(fitted: tuple, tmp_path) -> None:
    found, page = shown(fitted, Serving(latency_ms=0.16), tmp_path)
    assert found.serving.excluded and found.architecture is None and page["build"] is None
    assert "nothing can be recommended within the limits of this study" in page["words"]
    assert "where 0.16 ms are allowed" in page["words"]


def test_a_size_below_one_that_keeps_the_limit_is_shown_to_be_built(fitted, tmp_path) -> None:
    """A machine that was busy while all but the naive model were measured."""
    made = measured()
    slow = replace(made, sizes=[
        replace(each, answering=replace(each.answering, seconds_95=3e-2))
        if each.params["total"] < NAIVE else each
        for each in made.sizes
    ])  # fmt: skip
    naive = 1e3 * made.sizes[-1].answering.seconds_95
    asked = Serving(latency_ms=float(f"{1.01 * naive:.6g}"))
    found, page = shown(fitted, asked, tmp_path, slow)
    assert found.architecture is not None and not found.serving.excluded
    assert found.serving.build.serves.seconds_95.mean > 1e-3 * asked.latency_ms
    assert page["build"] is not None and "nothing can be recommended" not in page["words"]
    assert "which a larger size was measured to keep" in page["words"]


def test_the_page_says_that_the_naive_model_breaks_a_limit(fitted, tmp_path) -> None:
    found, page = shown(fitted, Serving(memory_mb=1.0), tmp_path)
    assert found.architecture is not None
    assert "The naive model breaks a limit 4 MB where 1 MB are allowed" in page["words"]
    _, page = shown(fitted, Serving(memory_mb=10.0), tmp_path)
    assert "The naive model breaks a limit" not in page["words"]


@pytest.mark.parametrize(
    "asked", [Serving(), Serving(requests=1e3), Serving(requests=1e9), Serving(memory_mb=0.05)]
)
def test_the_pages_cheapest_pair_counts_what_the_decisions_does(both, asked, tmp_path) -> None:
    found, page = shown(both, asked, tmp_path)
    pair = found.joint
    if pair.params is None:
        assert page["pair"]["params"] is None
        return
    assert count(page["pair"]["params"]) == count(pair.params)
    ends = [page["pair"]["interval"]["params"], pair.interval["params"]]
    assert spread(*ends[0]) == spread(*ends[1])
    assert page["pair"]["flops"] == pytest.approx(pair.flops, rel=1e-3)
    counted = pair.money is not None and pair.money.serving is not None
    assert page["pair"]["counted"] == (asked.requests if counted else 0)
    life = {
        True: f" over its life, with {asked.requests:,.0f} answers,",
        False: " of its training alone, without the answers," if asked.requests else "",
    }
    assert page["counts"] == life[counted]


def test_what_is_typed_and_chosen_can_be_read(fitted, tmp_path) -> None:
    """At 1,200 pixels: 1e9 answers were shown as a hundredth of that, and `the study's c`."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium on this machine: the page is not tried in a browser")
    _, page = written(fitted, Serving(requests=1e12), tmp_path)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for width in (1200, 400):
            tab = browser.new_page(viewport={"width": width, "height": 900})
            tab.goto(f"file://{page}")
            tab.wait_for_selector("body[data-ready]", timeout=20_000)
            room = tab.evaluate("""() => {
              const ink = document.createElement("canvas").getContext("2d");
              const lacks = (element, text) => {
                const style = getComputedStyle(element);
                ink.font = style.font;
                const padding = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
                return ink.measureText(text).width + padding + 16 - element.clientWidth;
              };
              const country = document.getElementById("country");
              const typed = [...document.querySelectorAll(".controls input[type=number]")];
              return { out: document.body.scrollWidth - innerWidth,
                country: lacks(country, country.selectedOptions[0].text),
                boxes: typed.map((each) => lacks(each, each.value)) };
            }""")
            assert room["country"] <= 0 and max(room["boxes"]) <= 0, (width, room)
            assert room["out"] <= 0, width
