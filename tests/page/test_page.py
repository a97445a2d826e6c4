"""The what-if page in a real browser: it shows what `decide` computes, and anybody can use it."""

from __future__ import annotations

import csv
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from alphascale import slices
from alphascale.config import read_study
from alphascale.deciding.decision import decide
from alphascale.page.build import read_page
from alphascale.records.bootstrap import BootstrapRecord
from alphascale.records.data import read_prepared
from alphascale.records.decision import CheapestPair, DecisionRecord
from alphascale.records.fit import FitRecord
from alphascale.records.observations import read_frame
from alphascale.records.typed import Refused, read
from alphascale.units import count, energy, mass, money, percent, probability, spread
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from running import own_study_of

POSITIONS, FEW = 10, 3  # of the default study, a slow proof, and of the study that is run once
SHORT = 20_000  # ms that a page may take on a busy machine before a test gives up


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium on this machine: the page is not tried in a browser")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])


@pytest.fixture(scope="module")
def study(finished: Path) -> tuple[object, Path]:
    """The study that was run once, and its results."""
    return read_study(own_study_of(finished)), finished / "results" / "own"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page whose every request and every complaint is written down."""
    context = browser.new_context(accept_downloads=True)
    page = context.new_page()
    page.said, page.asked = [], []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda fault: page.said.append(str(fault)))
    page.on("request", lambda request: page.asked.append(request.url))
    yield page
    context.close()


def show(page: Page, file: Path, address: str = "") -> None:
    page.goto("about:blank")
    page.goto(f"file://{file}#{address}".replace(" ", "%20"))
    page.wait_for_selector("body[data-ready]", timeout=SHORT)


def text(page: Page, name: str, inner: str = "") -> str | None:
    found = page.query_selector(f"[data-value={name}] {inner}".rstrip())
    return found and found.inner_text()


def asked_at(study, results: Path, domain: str):
    """`decide` of a domain, as a function of its fitted target and the confidence."""
    spec = slices.decision_slice(study, domain)
    records = (
        read_frame(results / f"observations/{domain}.csv"),
        read(results / f"fit/{domain}.json", FitRecord),
        read(results / f"bootstrap/{domain}.json", BootstrapRecord),
        read_prepared(results / f"data/{domain}.json"),
    )

    def at(fitted: float, confidence: float) -> DecisionRecord:
        target = spec.target
        value = 1 - fitted if target.metric == "accuracy" else fitted
        perplexity = None if target.perplexity is None else math.exp(value)
        moved = replace(target, value=value, confidence=confidence, perplexity=perplexity)
        return decide(replace(spec, target=moved), *records)

    return spec, records[0], at


def expected(decision: DecisionRecord) -> dict[str, str]:
    """What the page must show, by where it shows it."""
    star, built = decision.star, decision.architecture
    level = f"{percent(decision.level)} interval"
    interval = f"{level} {spread(*star.interval)}"
    if star.interval[0] is None:
        interval = f"{level} wholly out of reach"
    elif star.n_star is not None and star.n_star <= decision.ladder.smallest:
        interval = f"the smallest size trained, or less; {level} up to {count(star.interval[1])}"
    shown = {
        "n_star strong": "none" if star.n_star is None else count(star.n_star),
        "interval": interval,
        "out_of_reach strong": probability(star.out_of_reach),
        "confident strong": "no size" if star.confident is None else count(star.confident),
    }
    if built is not None:
        shown["build strong"] = ", ".join(
            f"{key} {value:g}" if isinstance(value, float) else f"{key} {value}"
            for key, value in built.size.items()
        )
        if built.price.factor is not None:
            shown |= {
                "kwh": energy(built.price.kwh),
                "co2": mass(built.price.co2_g),
                "money": money(built.price.money, decision.costs.currency),
            }
    if decision.saving is not None:
        shown["net strong"] = percent(decision.saving.net)
    return shown


def same_as_decide(page: Page, study, results: Path, positions: int) -> int:
    """Compare a study's page with `decide` at so many targets in each domain; how many numbers."""
    compared = 0
    for domain in study.domains:
        spec, frame, at = asked_at(study, results, domain)
        values = frame[f"test_{spec.target.law}"]
        values = values[values > 0]
        targets = np.geomspace(0.6 * values.min(), 0.9 * values.max(), positions)
        for target, confidence in zip(targets, np.linspace(0.55, 0.97, positions), strict=True):
            value, confidence = float(f"{target:.4g}"), round(float(confidence), 2)
            decision = at(value, confidence)
            if isinstance(decision.star, Refused):
                continue
            # 1 − (1 − x) is not x to the last bit: the page is asked what was decided.
            address = f"domain={domain}&target={decision.target.fitted!r}&confidence={confidence}"
            show(page, results / "study.html", address)
            for where, wanted in expected(decision).items():
                found = text(page, *where.split())
                assert found == wanted, f"{domain} at {value}, {confidence}: {where}"
                compared += 1
        if isinstance(decision.joint, CheapestPair):
            page.wait_for_selector("[data-value=pair]:not(:text('working'))", timeout=3 * SHORT)
            params = decision.joint.params
            if params is not None:
                assert f" {count(params)} parameters" in text(page, "pair")
                assert f" {decision.joint.samples:,} samples" in text(page, "pair")
                assert spread(*decision.joint.interval["params"]) in text(page, "pair")
    return compared


def test_every_position_is_a_decision(page: Page, study) -> None:
    assert same_as_decide(page, *study, FEW) > 40
    assert page.said == []


@pytest.mark.slow
def test_every_position_of_the_default_study(page: Page, root: Path) -> None:
    results = root / "results" / "default"
    if not (results / "study.html").exists():
        pytest.skip("results/default holds no page: `make run` makes it")
    import yaml

    default = read_study(yaml.safe_load((root / "config/config.yaml").read_text()))
    assert same_as_decide(page, default, results, POSITIONS) > 200
    assert page.said == []
    assert (results / "study.html").stat().st_size < 1e6


def test_it_opens_from_disk_and_asks_nobody(page: Page, study, tmp_path: Path) -> None:
    """Copied alone into a folder of its own, as out of a mail."""
    alone = Path(shutil.copy(study[1] / "study.html", tmp_path / "mail.html"))
    assert alone.stat().st_size < 1e6
    show(page, alone)
    assert page.asked == [f"file://{alone}"] and page.said == []
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert painted > 0
    first = page.inner_text("main")
    # Whether to believe it, by the withheld error, comes before any number.
    assert first.index("Withheld error first") < first.index("N*")


def test_prices_move_what_they_price(page: Page, study) -> None:
    file = study[1] / "study.html"
    show(page, file)
    if text(page, "co2") is None:
        pytest.skip("this study's times do not carry a price")
    before, size = text(page, "co2"), text(page, "build", "strong")
    page.fill("#carbon", "0")
    page.press("#carbon", "Tab")
    page.wait_for_selector("[data-value=co2]:text-is('0 g')")
    assert before != "0 g" and text(page, "build", "strong") == size
    assert "carbon=0" in page.url
    page.click("text=Back to the study's own")
    page.wait_for_selector(f"[data-value=co2]:has-text('{before}')")
    assert "carbon" not in page.url


def test_a_sent_address_shows_the_same(page: Page, study) -> None:
    file = study[1] / "study.html"
    show(page, file)
    page.focus("#target")
    for _ in range(25):
        page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(500)
    assert "target=" in page.url
    shown, address = page.inner_text("[data-value=answer]"), page.url.split("#")[1]
    show(page, file, address)
    assert page.inner_text("[data-value=answer]") == shown


def test_every_table_comes_as_csv(page: Page, study, tmp_path: Path) -> None:
    show(page, study[1] / "study.html", "domain=table")
    for summary in page.query_selector_all("summary"):
        summary.click()
    buttons = page.query_selector_all("button:text('Download as CSV')")
    assert len(buttons) >= 4
    saved = {}
    for button in buttons:
        with page.expect_download() as waited:
            button.click()
        path = tmp_path / waited.value.suggested_filename
        waited.value.save_as(path)
        with path.open(newline="", encoding="utf-8") as stream:
            saved[path.name] = list(csv.reader(stream))
    assert all(len(row) == len(rows[0]) for rows in saved.values() for row in rows)
    runs = saved["table-runs.csv"]
    (whole,) = read_page(study[1] / "study.html")
    (table,) = (each for each in whole["domains"] if each["name"] == "table")
    assert len(runs) - 1 == len(table["runs"]["rows"])
    assert runs[1][-1].startswith("snakemake --cores all results/own/train/table/")


def test_the_keyboard_reaches_everything(page: Page, study) -> None:
    show(page, study[1] / "study.html")
    for summary in page.query_selector_all("summary"):
        summary.click()
    wanted = page.evaluate(
        """() => [...document.querySelectorAll('a, button, input, select, summary, [tabindex="0"]')]
        .filter((e) => !e.disabled && e.offsetParent !== null).length"""
    )
    page.evaluate("document.body.tabIndex = -1; document.body.focus(); window.reached = new Set()")
    for _ in range(wanted + 5):
        page.keyboard.press("Tab")
        page.evaluate("window.reached.add(document.activeElement)")
    reached = page.evaluate("[...window.reached].filter((e) => e !== document.body).length")
    assert reached >= wanted


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_no_serious_fault(browser: Browser, study, scheme: str, width: int) -> None:
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True
    )
    page = context.new_page()
    show(page, study[1] / "study.html")
    for summary in page.query_selector_all("summary"):
        summary.click()
    found = Axe().run(page).response["violations"]
    serious = [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found
               if each["impact"] in ("serious", "critical")]  # fmt: skip
    assert serious == []
    # Nothing is wider than a phone: what is scrolls in a box of its own.
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_two_studies_beside_each_other(page: Page, study, tmp_path: Path) -> None:
    """The same study with another target: the page says what changed."""
    results = study[1]
    other = tmp_path / "other"
    other.mkdir()
    content = (results / "study.html").read_text(encoding="utf-8")
    (kept,) = read_page(results / "study.html")
    spoken = json.dumps(kept["domains"][0]["asked"]["epochs"])
    assert content.count(f'"epochs":{spoken},"') >= 1
    changed = content.replace('"members":', '"members":1').replace('members":11', 'members":1')
    (other / "study.html").write_text(changed, encoding="utf-8")
    out = tmp_path / "both.html"
    command = [sys.executable, "-m", "alphascale.cli", "compare", str(results), str(other)]
    done = subprocess.run([*command, f"--out={out}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    show(page, out)
    assert page.said == [] and len(page.query_selector_all(".panel")) == 2
    told = page.inner_text("[aria-label='What changed']")
    assert "members" in told and "epochs" not in told


@pytest.mark.parametrize(
    ("second", "words"),
    [("nothing", "is not there"), ("page.html", "is no page of alphascale")],
)
def test_what_is_no_page_is_said_in_one_line(study, tmp_path: Path, second, words) -> None:
    (tmp_path / "page.html").write_text("<html><body>hello</body></html>")
    command = [sys.executable, "-m", "alphascale.cli", "compare", str(study[1])]
    done = subprocess.run(
        [*command, str(tmp_path / second)], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1


def test_the_page_of_a_table_is_what_decide_says(page: Page, tmp_path: Path) -> None:
    """No family and no study: sizes are numbers of parameters, costs those of the table."""
    rng = np.random.default_rng(3)
    rows = ["params,samples,seed,accuracy,seconds"]
    for n in (30_000, 100_000, 300_000, 1_000_000):
        for samples in (10_000, 50_000):
            error = (0.02 + 4 * n**-0.4 + 9 * samples**-0.5) * np.exp(0.02 * rng.normal())
            rows.append(f"{n},{samples},0,{1 - error:.5f},{n * samples * 2e-9:.3f}")
    (tmp_path / "runs.csv").write_text("\n".join(rows) + "\n")
    for target in ("0.90", "0.92"):
        command = [sys.executable, "-m", "alphascale.cli", "decide", str(tmp_path / "runs.csv")]
        given = ["--target", f"accuracy={target}", "--naive", "1e8", "--watts", "300"]
        done = subprocess.run([*command, *given], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        decision = read(tmp_path / "runs" / "decision" / "runs.json", DecisionRecord)
        shown = expected(decision)
        shown["build strong"] = count(decision.architecture.params["total"])
        # As it opens, and moved there from elsewhere.
        addresses = ["", f"target={decision.target.fitted!r}"]
        for address in addresses:
            show(page, tmp_path / "runs" / "study.html", address)
            for where, wanted in shown.items():
                assert text(page, *where.split()) == wanted, f"{target}: {where}"
    assert page.said == []


def test_without_times_no_price_is_shown(page: Page, tmp_path: Path) -> None:
    rows = ["params,loss", *(f"{n},{2 + 30 * n**-0.3:.4f}" for n in (1e4, 3e4, 1e5, 3e5, 1e6))]
    (tmp_path / "runs.csv").write_text("\n".join(rows) + "\n")
    command = [sys.executable, "-m", "alphascale.cli", "decide", str(tmp_path / "runs.csv")]
    done = subprocess.run([*command, "--target", "loss=2.4"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    show(page, tmp_path / "runs" / "study.html", "requests=1000000&carbon=100")
    assert text(page, "kwh") is None and page.said == []
    costs = page.inner_text("[aria-label=Costs]")
    for line in ("energy", "CO₂", "money", "training time", "computing one answer"):
        (row,) = (each for each in costs.splitlines() if each.startswith(f"{line}\t") or
                  each.startswith(f"{line},"))  # fmt: skip
        assert not any(letter.isdigit() for letter in row.replace("CO₂", "")), row
