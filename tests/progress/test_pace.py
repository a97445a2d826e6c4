"""From FLOPs to seconds, energy and money before a run, and the time left while it runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from alphascale.config.study import Costs
from alphascale.progress.log import Clock, last_line, place, remarks, stamp
from alphascale.progress.pace import Pace, pace, two_terms
from alphascale.progress.run import PLANNED, Follower, Run
from alphascale.progress.sizes import Known, Records, Work, works
from alphascale.progress.table import about_in, duration, table
from alphascale.running import program
from alphascale.study import load_study
from progress_events import event
from study_made import own_study

LINE = "[train table]   {seconds} s  table/w8/0.5: runs {runs} of 8, epoch {epoch}/10{rest}"


class Hand:
    """A clock that is turned by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = own_study(tmp_path / "data")
    return load_study(made | {"domains": {"table": made["domains"]["table"]}})


def known(steps: int, flops: float, step: float, rate: float, watts: float | None = 10.0) -> Known:
    seconds = 4 * steps * step + flops / rate
    return Known(100, 1.0, 4, flops, steps, seconds, watts, measured=False)


def test_step_and_rate_are_recovered_from_records() -> None:
    jobs = [known(50, 1e9, 2e-3, 4e9), known(100, 2e9, 2e-3, 4e9), known(100, 9e9, 2e-3, 4e9)]
    found = pace(jobs, Costs(), gpu=False)
    assert found.step_seconds == pytest.approx(2e-3) and found.flops_per_second == pytest.approx(
        4e9
    )
    assert found.watts == 10 and "3 trainings that were recorded" in found.how
    work = Work(members=4, params=1, flops=3e9, steps=70, about=False)
    assert found.seconds(work) == pytest.approx(4 * 70 * 2e-3 + 3e9 / 4e9)


def test_no_term_is_negative() -> None:
    """All is overhead, or all is computing: the other term is nothing."""
    assert two_terms([(1, 5, 1), (1, 1, 1), (1, 3, 1)]) == pytest.approx((1, 0))
    assert two_terms([(1, 2, 4), (1, 4, 8), (1, 8, 16)]) == pytest.approx((0, 2))
    # The more steps the faster: the best line has a negative slope.
    a, b = two_terms([(1, 1, 5), (5, 1, 3), (9, 1, 1)])
    assert a >= 0 and b >= 0


def test_what_the_study_states_comes_before_what_is_guessed_and_measured() -> None:
    rough = pace([], Costs(), gpu=False)
    assert "rough" in rough.how and pace([], Costs(), gpu=True).watts > rough.watts
    stated = pace([known(50, 1e9, 2e-3, 4e9)], Costs(flops_per_second=1e12, watts=77), gpu=False)
    assert (stated.flops_per_second, stated.watts) == (1e12, 77)
    assert "costs.flops_per_second" in stated.how


def test_the_table_adds_up_and_is_priced_as_the_study_says(study) -> None:
    study = study.model_copy(update={"costs": Costs(price_per_kwh=0.5, pue=2.0, currency="EUR")})
    paces = {"table": Pace(0.0, 1e9, 360.0, "at a pace made up")}
    cells = {
        ("table", "w2", "0.5"): Work(4, 1200, 1e12, 10, False),
        ("table", "w2", "1.0"): Work(4, 1200, 2e12, 20, False),
        ("table", "w8", "1.0"): Work(4, 45_000, 7e12, 20, True),
    }
    lines = [" ".join(line.split()) for line in table(cells, paces, study).splitlines()]
    # 3,000 s at 360 W, twice over: .6 kWh.
    assert lines[2] == "table w2 2 1.2 k 3 TFLOP 50 min 600 Wh 0.3 EUR"
    assert lines[3] == "table w8 1 ~45 k ~7 TFLOP 1.9 h 1.4 kWh 0.7 EUR"
    assert lines[4] == "all 3 ~10 TFLOP 2.8 h 2 kWh 1 EUR"
    hourly = study.model_copy(update={"costs": Costs(price_per_hour=3.6)})
    assert table(cells, paces, hourly).splitlines()[4].endswith("10 USD")
    assert table({}, paces, study) == ""


def test_what_is_not_known_is_open_and_said(study) -> None:
    cells = {("table", "w2", "0.5"): Work(4, 1200, None, None, True)}
    text = table(cells, {"table": Pace(0.0, 1e9, 360.0, "so")}, study)
    assert text.splitlines()[2].split()[-4:] == ["?"] * 4 and "when the data are prepared" in text


def test_a_long_ladder_is_a_line_a_domain(study) -> None:
    task = study.domains["table"]
    ladder = {f"w{i}": {"width": i} for i in range(1, 200)}
    task = task.model_copy(update={"ladder": ladder})
    study = study.model_copy(update={"domains": {"table": task}})
    cells = {("table", scale, "1.0"): Work(1, 5, 1e9, 1, False) for scale in ladder}
    lines = table(cells, {"table": Pace(0.0, 1e9, 1.0, "so")}, study).splitlines()
    assert lines[2].split()[:2] == ["table", "199"] and len(lines) == 6


def test_sizes_without_a_record_are_about(study) -> None:
    """No data, no record: the body's weights by the family's rough count; samples as the source
    says, if it does (a table of one's own says nothing)."""
    found = works(study, "results/own", [("table", "w8", "1.0")])
    assert found["table", "w8", "1.0"] == Work(4, 192, None, None, True)
    records = Records(study, "table", "results/own")
    size = records.family.complete({"width": 8})
    # Two sizes are known to have 10 and 20 times the rough count: the third lies on their line.
    records.__dict__["known"] = {
        name: [known(1, 1, 1, 1).__class__(params, per, 1, 1, 1, 1.0, None, False)]
        for name, params, per in (("w2", 12 * 10, 500.0), ("w4", 48 * 10, 2000.0))
    }
    params, per_sample, about = records.counted("w8")
    assert size["depth"] == 3 and (params, per_sample, about) == (1920, 8000, True)
    assert records.counted("w2") == (120, 500.0, False)


def test_of_a_users_own_model_nothing_is_made_up(study, tmp_path) -> None:
    """No family knows its size: it was once said to have `~1` parameter."""
    task = study.domains["table"]
    data = task.data.model_copy(update={"limit": 300})
    task = task.model_copy(update={"family": "mine:net", "data": data})
    study = study.model_copy(update={"domains": {"table": task}})
    cell = ("table", "w8", "1.0")
    found = works(study, "results/own", [cell])
    assert (found[cell].params, found[cell].flops) == (None, None)
    lines = table(found, {"table": Pace(0.0, 1e9, 360.0, "so")}, study).splitlines()
    assert lines[2].split() == ["table", "w8", "1", *["?"] * 5]
    assert "once a record has counted it" in lines[-1] and "prepared" not in lines[-1]
    # Of a table that is prepared, the first and the last layer of such a width.
    path = tmp_path / "results/data/table.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"kind": "tabular", "shape": [5], "classes": 2, "sizes": {"train": 300}}')
    assert works(study, str(tmp_path / "results"), [cell])[cell].params == 8 * (5 + 2)


def test_time_left_follows_flops_not_numbers_of_jobs() -> None:
    """Nine small trainings are done, one is to come that takes fifty times as long."""
    clock, said = Hand(), []
    follower = Follower(said.append, clock)
    cells = {("d", f"s{i}", "1.0"): Work(1, 1, (1 + i % 2) * 1e9, 0, False) for i in range(9)}
    cells["d", "big", "1.0"] = Work(1, 1, 100e9, 0, False)
    paces = {"d": Pace(0.0, 1e9, 10.0, "so")}
    follower.emit(event("run_info", stats={"train": 10, "total": 10}))
    follower.emit(event(PLANNED, works=cells, paces=paces, folder="nowhere", gathers=[]))
    for number, (domain, scale, fraction) in enumerate(cells):
        named = {"domain": domain, "scale": scale, "fraction": fraction}
        follower.emit(event("job_started", jobs=[number]))
        follower.emit(
            event(
                "job_info", jobid=number, rule_name="train", rule_msg="m", wildcards=named, log=[]
            )
        )
        if scale == "big":
            break
        clock.now += 2 + 2 * (number % 2)  # twice as long as expected
        follower.emit(event("job_finished", job_id=number))
        follower.emit(event("progress", done=number + 1, total=10))
    assert said[-1].startswith("done: train d s8 on 1.0 (2.0 s); 9 of 10 jobs; trainings to finish")
    # One job tells its start from its FLOPs by what was expected: 8 small ones, and the large.
    assert said[0].endswith("trainings to finish: 9, about 2 min")
    run = follower.run
    assert run.left() == pytest.approx(200, rel=0.05) and run.flops() == (13e9, 113e9, False)
    before = run.left()
    clock.now += 50
    assert run.left() == pytest.approx(before - 50)
    assert run.left_of(run.running[9]) == pytest.approx(before - 50)
    follower.emit(event("job_error", jobid=9))
    assert run.failed == {"m"} and not run.running and run.line([]).count("1 failed") == 1


def test_the_start_of_programs_is_told_from_the_training() -> None:
    """Trainings of 1, 2 and 3 s by their FLOPs take 6, 7 and 8 s: 5 s go into each start."""
    run = Run(Hand())
    run.took = [(1.0, 6.0), (2.0, 7.0), (3.0, 8.0)]
    run.counted.plan({("d", "s", "1.0"): Work(1, 1, 10e9, 0, False)})
    run.to_do = set(run.counted.works)
    run.paces, run.wanted = {"d": Pace(0.0, 1e9, 10.0, "so")}, 4
    run.trained = 3
    assert run.left() == pytest.approx(15, rel=0.01)


def test_a_slow_first_step_is_no_measure_of_a_training() -> None:
    """Told by its first step, this training would take hours; by its epochs it takes 18 s more."""
    clock = Clock()
    first = place(LINE.format(seconds=31.0, runs="1–8", epoch=1, rest=", about 18815 s left"))
    assert first.share == 0 and first.loss is None and clock.left(first, 31.0) is None
    later = place(
        LINE.format(seconds=33.0, runs="1–8", epoch=2, rest=", validation loss 0.5312, x")
    )
    assert later.loss == "0.5312" and later.share == pytest.approx(0.1)
    assert clock.left(later, 33.0) == pytest.approx(18)
    assert clock.left(later, 34.0) == pytest.approx(17)
    assert clock.left(None, 34.0) is None
    chunk = place(LINE.format(seconds=40.0, runs="5–8", epoch=6, rest=""))
    assert chunk.share == pytest.approx(0.75)
    assert place("[prepare table]    0.0 s  reading letter") is None and place("epoch 3/4") is None


def test_remarks_are_what_does_not_pass(tmp_path) -> None:
    log = tmp_path / "log"
    kept = (
        "[train table]    0.1 s  this very training, on these very data, has a record: it is kept"
    )
    note = "[prepare table]    2.2 s  note: 6 test samples are exact copies of training samples"
    passing = "[prepare table]    0.0 s  reading letter"
    epoch = LINE.format(seconds=3.0, runs="1–8", epoch=2, rest="")
    log.write_text("\n".join([kept, epoch, passing, note, "a library's warning"]) + "\n")
    assert remarks(log) == [kept, note] and remarks(tmp_path / "none") == []
    assert last_line(log) == "a library's warning" and last_line(tmp_path / "none") == ""
    # What an earlier run left is not this one's.
    assert remarks(log, stamp(log)) == [] and last_line(log, stamp(log)) == ""


def record(flops: float, loss: float | None = 0.4123) -> dict:
    """A training's record, as far as what a person sees of a run reads it."""
    return {
        "params": {"total": 77}, "steps": 9, "spec": {"size": {}}, "time": {"train_s": 1.0},
        "flops": {"job": flops, "training_per_sample": 5.0},
        "energy": {"joules": None, "watts": 10.0},
        "sweep": [{"validation_loss": loss}, {"validation_loss": None}],
    }  # fmt: skip


def end(run: Run, folder: Path, cell: tuple[str, str, str], flops: float) -> None:
    """A training ends, and leaves its record."""
    path = folder.joinpath("train", *cell[:2], f"{cell[2]}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record(flops)))
    number = len(run.jobs)
    named = dict(zip(("domain", "scale", "fraction"), cell, strict=True))
    run.take(
        event("job_info", jobid=number, rule_name="train", rule_msg="m", wildcards=named, log=[])
    )
    run.take(event("job_started", jobs=[number]))
    run.clock.now += 3.14
    run.take(event("job_finished", job_id=number))
    run.take(event("progress", done=number + 1, total=4))


def test_a_rough_count_is_put_right_as_records_come_in(tmp_path) -> None:
    """Counted 1.5 × too large, as a stranger saw it: 121 where the records say 81."""
    cells = [("d", "s1", "0.5"), ("d", "s1", "1.0"), ("d", "s2", "1.0"), ("e", "s1", "1.0")]
    exact = dict(zip(cells, (10e9, 20e9, 40e9, 11e9), strict=True))
    works = {cell: Work(1, 1, 1.5 * flops, 5, True) for cell, flops in exact.items()}
    run = Run(Hand())
    run.take(event("run_info", stats={"train": 4, "total": 5, "all": 1}))
    told = {"paces": {"d": Pace(0.0, 1e9, 1.0, "so"), "e": Pace(0.0, 1e9, 1.0, "so")}}
    told |= {"folder": str(tmp_path), "gathers": ["all"]}
    run.take(event(PLANNED, works=works, **told))
    assert run.flops() == (0, pytest.approx(121.5e9), True)
    end(run, tmp_path, cells[0], exact[cells[0]])
    # One record puts all right: those of its domain, and those of another by all there is.
    assert run.flops() == (10e9, pytest.approx(81e9), True)
    assert run.left() == pytest.approx(71 / 10 * 3.14, rel=0.05)
    run.take(event(PLANNED, works=works, **told))  # told again once data are prepared
    assert run.flops() == (10e9, pytest.approx(81e9), True)
    end(run, tmp_path, cells[3], 22e9)  # twice what the others say
    assert run.flops() == (32e9, pytest.approx(92e9), True)  # which is nothing to domain d
    end(run, tmp_path, cells[1], exact[cells[1]])
    end(run, tmp_path, cells[2], 44e9)
    assert run.flops() == (96e9, 96e9, False)


def test_a_size_is_put_right_by_its_own_records_first(tmp_path) -> None:
    run = Run(Hand())
    cells = [("d", scale, part) for scale in ("s1", "s2") for part in ("0.5", "1.0")]
    works = {cell: Work(1, 1, 10e9, 5, True) for cell in cells}
    run.take(event(PLANNED, works=works, paces={}, folder=str(tmp_path), gathers=[]))
    end(run, tmp_path, cells[0], 5e9)
    end(run, tmp_path, cells[2], 20e9)
    assert run.counted.work(cells[1]).flops == 5e9 and run.counted.work(cells[3]).flops == 20e9


def test_the_end_of_a_job_says_which_how_long_and_how_good(tmp_path) -> None:
    said: list[str] = []
    follower = Follower(said.append, Hand())
    follower.run.folder = str(tmp_path)
    follower.run.gathers, follower.run.gathering = frozenset({"all"}), 1
    path = tmp_path / "train/houses/w4/0.5.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(record(1e9)))
    named = {"domain": "houses", "scale": "w4", "fraction": "0.5"}
    for number, (rule, message) in enumerate(
        [("train", "train houses w4 on 0.5 of the data"), ("page", "write the page"), ("all", None)]
    ):
        follower.emit(
            event(
                "job_info", jobid=number, rule_name=rule, rule_msg=message, wildcards=named, log=[]
            )
        )
        follower.emit(event("job_started", jobs=[number]))
        follower.run.clock.now += 3.14 if rule == "train" else 300
        follower.emit(event("job_finished", job_id=number))
        follower.emit(event("progress", done=number + 1, total=3))
    # The target is no job to a reader: neither in the counts nor as a line.
    assert said == [
        "done: train houses w4 on 0.5 (3.1 s, validation loss 0.412); 1 of 2 jobs",
        "done: write the page (5 min); 2 of 2 jobs",
    ]
    assert follower.run.jobs_done == follower.run.jobs_in_all == 2


def test_under_a_second_is_said_in_words() -> None:
    assert (about_in(0.3), about_in(41.0)) == ("under 1 s", "about 41 s")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.2, "< 1 s"), (49, "49 s"), (120, "2 min"), (9000, "2.5 h"), (9e5, "10 days")],
)
def test_durations(seconds: float, told: str) -> None:
    assert duration(seconds) == told


def test_the_first_guess_of_a_training_is_not_told(tmp_path, capsys) -> None:
    say = program.progress("train table", str(tmp_path / "logs" / "log"))
    for seconds in (18815, 41):
        say(f"table/w8/0.5: runs 1–4 of 4, epoch 1/1000, about {seconds} s left")
    first, second = (tmp_path / "logs" / "log").read_text().splitlines()
    assert first.endswith("epoch 1/1000") and second.endswith("epoch 1/1000, about 41 s left")
    assert capsys.readouterr().err.splitlines() == [first, second]
