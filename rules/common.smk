# The validated study, and the functions that rules use in place of lambdas.

import atexit
import gc
import inspect
import json
import os
import re
import shlex
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

from snakemake.settings.enums import Quietness
from snakemake.settings.types import DeploymentMethod
from snakemake.utils import update_config

DEFAULT_STUDY = "config/config.yaml"
# Seconds by which the clocks of a file server and of this machine may differ.
CLOCKS_APART = 5.0
SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"
sys.path.insert(0, str(SCRIPTS))

from alphascale.errors import UserError

try:
    from alphascale import slices, sweeps
except UserError as fault:  # somebody's new family or source that cannot be imported
    sys.exit(f"error: {fault}")

from alphascale.running import cluster
from alphascale.config import NAME, refuse_code, typed
from alphascale.data.checks import check_whole
from alphascale.families import family as model_family
from alphascale.families.foreign import locations, place_of
from alphascale.families.own import is_own
from alphascale.running.accounts import unaccounted
from alphascale.running.command_line import (
    FORCING,
    called,
    end_with,
    start_again,
)
from alphascale.running.trial import ask
from alphascale.running.trial import tried as try_models
from alphascale.sources.inspect import input_files, source_state
from alphascale.running.devices import gpus_per_job, same_device, visible_devices
from alphascale.running.program import QUIET, Told, describe, full_disk, shared
from alphascale.study import load_study
from alphascale.planning.adopt import adopt
from alphascale.rounds import log as rounds
from alphascale.rounds.spec import round_spec
from alphascale.progress.plan import Listener, gathering, plan, planned, prepared
from alphascale.progress.run import Follower
from alphascale.progress.screen import LINE, drained
from alphascale.records.rounds import RoundRecord
from alphascale.records.typed import as_json, read
from alphascale.provenance import code_digest, family_roots, forget, source_roots

# Snakemake keeps all its jobs: to look through them for garbage again and again took a fifth of a
# dry run of 10,000.
gc.set_threshold(100_000, 50, 100)

GIVEN = workflow.config_settings.configfiles
if (
    not GIVEN and not Path(DEFAULT_STUDY).exists()
):  # another --directory, which has none of its own
    DEFAULT_STUDY = str(Path(workflow.basedir) / DEFAULT_STUDY)
    if workflow.is_main_process:
        logger.info(f"the study is {DEFAULT_STUDY}: there is none in this folder")
try:
    for file in GIVEN or [DEFAULT_STUDY]:
        refuse_code(file)
except UserError as fault:
    sys.exit(f"error: {fault}")

# A --configfile on the command line replaces the default study; Snakemake alone would merge the two.
if not GIVEN:

    configfile: DEFAULT_STUDY


try:
    update_config(config, typed(workflow.config_settings.config or {}))
    # Scales of the last plan, by domain, where the study adopts it (`plan: apply`).
    ADOPTED = adopt(config)
    STUDY = load_study(config)
    # A study by rounds, with all of its ladders; what it trains is as far as its rounds have come.
    WHOLE = STUDY if STUDY.study is not None else None
    if WHOLE:
        STUDY, ROUNDS, SAID = rounds.take_up(WHOLE)
        for line in SAID if workflow.is_main_process else ():
            logger.info(line)
except UserError as fault:
    sys.exit(f"error: {fault}")
left_out = [name for name, task in config["domains"].items() if task is None]
if left_out and workflow.is_main_process:
    logger.info(f"left out of the study, by null: {', '.join(left_out)}")

RESULTS = slices.folder(STUDY)
if STUDY.quick and workflow.is_main_process:
    logger.info(
        f"the quick test, of {', '.join(STUDY.domains)}: results go to {RESULTS}"
    )
if workflow.is_main_process and (strange := unaccounted(Path(RESULTS))):
    logger.warning(
        f"{RESULTS}: of {', '.join(strange)} Snakemake has no account, as of results that came from "
        "another folder: it cannot tell what has changed since, and takes them as they are; with "
        "`-R aggregate` they are checked and decided anew, and what was trained is kept"
    )
FAULTS = Path(RESULTS) / "logs" / "faults.txt"
# What preparation checks, so that no fraction lacks a class.
FRACTIONS = json.dumps({name: slices.fractions(STUDY, name) for name in STUDY.domains})
CHECKPOINTS = f"{RESULTS}/checkpoints"
# What may be asked for by name and is no part of a study.
NEEDS_NO_STUDY = {"literature", "curves_benchmark"}
# What these targets end in.
ON_REQUEST = {
    "plan": f"{slices.folder(STUDY)}/plan.txt",
    "verify": f"{slices.folder(STUDY)}/verify.txt",
    "curves_benchmark": f"{os.path.dirname(slices.folder(STUDY))}/curves/summary.md",
}
# Language domains that are judged together: the first one's name → all of them.
LANGUAGE = slices.language_groups(STUDY)
# Domains whose families are compared, the same way.
COMPARED = slices.compared_groups(STUDY)
# Only executors that submit jobs have a number of them, `--jobs`; and a submitted job starts Snakemake
# again, on its node, where the scheduler has handed out devices already.
LOCAL = workflow.is_main_process and workflow.resource_settings.nodes is None
GPUS_PER_JOB = gpus_per_job(STUDY.device, LOCAL)
JOBS_PER_GPU = STUDY.jobs_per_gpu
# As the study asks for it; what a training depends on is which device that means.
DEVICE = STUDY.device
STUDY = STUDY.model_copy(update={"device": same_device(DEVICE, LOCAL)})
# `resources: gpu=1` limits nothing by itself: cap it at what this machine has, unless told. What the
# submitting machine of a cluster has limits nothing.
if LOCAL and visible_devices():
    workflow.global_resources.setdefault("gpu", len(visible_devices()) * JOBS_PER_GPU)
# What shows the run to a person: the logger plugin that profiles/default names, if any.
SHOWN = [
    handler
    for handler in getattr(workflow.logger_manager, "plugin_handlers", ())
    if getattr(handler, "shows", False)
]


def tell_line(line):
    """Where the run stands, a line after every job: into the log, and to whoever has no bar."""
    logger.info(line, extra={"event": LINE, "quietness": Quietness.PROGRESS})


# The trainings that are to run, and the paces of their domains.
PLANNED = {}
# The targets among what is to run that only gather.
GATHERS = []


def tell_plan():
    """Before the first job, and in a dry run: what will run and why, and what it will cost."""
    text, PLANNED["works"], PLANNED["paces"] = plan(STUDY, RESULTS, workflow.dag)
    GATHERS.extend(gathering(workflow.dag))
    logger.info(text, extra=planned(**PLANNED, folder=RESULTS, gathers=GATHERS))


def tell_prepared():
    """Once the data are there: what is known of the trainings now."""
    text, PLANNED["works"] = prepared(STUDY, RESULTS, **PLANNED)
    logger.info(text, extra=planned(**PLANNED, folder=RESULTS, gathers=GATHERS))
    try:
        look_at_budget()
    except UserError as fault:
        # As a job's fault that leaves nothing to do; the jobs that have just begun end with it.
        FAULTS.parent.mkdir(parents=True, exist_ok=True)
        FAULTS.write_text(f"error: {fault}\n", encoding="utf-8")
        os.kill(os.getpid(), signal.SIGINT)


def nothing_to_do():
    """Where all is there: the next round, if the study has one, else the answer all the same."""
    if not workflow.dryrun and not go_on():
        print_results()


# Jobs that run here inherit it: what they say is in their logs. A submitted job says it to the
# scheduler's log as well.
os.environ.pop(QUIET, None)
if workflow.is_main_process:
    logger.addHandler(Follower(tell_line))
    logger.addHandler(Listener(tell_plan, tell_prepared, nothing_to_do))
    if SHOWN:
        os.environ[QUIET] = "1"


def words(*parts):
    """Words of a shell command: quoted, for a path with spaces, and braces doubled, for Snakemake."""
    line = " ".join(map(shlex.quote, map(str, parts)))
    return line.replace("{", "{{").replace("}", "}}")


def as_called(setting=None, target=None):
    """The command that runs this study, of the files and settings that it was given, with another
    setting or for another target: without them it would be about another study."""
    parts = ["snakemake", "--cores", "all", *([target] if target else [])]
    files = [os.path.relpath(file) for file in GIVEN]
    if files:
        parts += ["--configfile", *files]
    given = workflow.config_settings.config or {}
    own = [f"{key}={value}" for key, value in given.items() if key != "plan"]
    own += [setting] if setting else []
    return shlex.join([*parts, *(["--config", *own] if own else [])])


# How rules run the programs of their names, by one interpreter: the one that runs Snakemake, or with
# `--sdm conda` that of the rule's environment. What its job is stands in `params.job`. What stands
# beside it makes no result stale.
CONDA = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
RUN = (
    f"{words('python' if CONDA else sys.executable, SCRIPTS)}/{{rule}}.py {{params.job:q}} --log={{log:q}} "
    f"{words(f'--faults={FAULTS}')}"
)
TRAIN = f"{RUN} --threads={{threads}} " + words(
    f"--device={DEVICE}",
    f"--jobs-per-gpu={JOBS_PER_GPU}",
    f"--checkpoints={CHECKPOINTS}",
    # Where pretrained weights lie, by the digest that a training knows of them.
    f"--weights={json.dumps(locations())}",
)
# Models that are not the project's own, which preparation tries on its data.
MODELS = {
    name: {
        "family": task.family,
        "sizes": task.ladder | ({"naive": task.naive} if task.naive else {}),
    }
    for name, task in STUDY.domains.items()
    if is_own(task.family) or model_family(task.family).trial
}
PREPARE = f"{RUN} " + words(
    f"--fractions={FRACTIONS}",
    f"--models={json.dumps(MODELS)}",
    f"--ends={os.getpid()}",
)
PLAN = f"{RUN} " + words(f"--apply={as_called('plan=apply')}")


wildcard_constraints:
    domain="|".join(map(re.escape, STUDY.domains)),
    scale=NAME.strip("^$"),
    fraction=r"[0-9.e-]+",


def out(path):
    """A path under this run's results."""
    return f"{RESULTS}/{path}"


def quick(function):
    """Snakemake asks for a function's signature several times a job: it is worked out once."""
    function.__signature__ = inspect.signature(function)
    return function


def nothing(wildcards):
    """The slice of the study of a rule that depends on its files alone."""
    return None


def job(program, spec=nothing, roots=None, cell=None, beside=None):
    """A params function: all that a program is told by its rule, and what makes its result stale.

    That is its slice of the study (`spec`, of the wildcards), the digest of its code (with `roots`, of
    a domain), and its files by the names that the rule gives them. With `cell`, of the wildcards, the
    slice is the same for all jobs of a domain but for what that gives. What `beside` gives, of the
    wildcards, makes no result stale.

    Snakemake compares it with the last run's, since none of its parameters is named `input`.
    """
    codes = {
        domain: code_digest(f"{program}.py", *(roots(domain) if roots else ()))
        for domain in STUDY.domains
    }
    default = next(iter(codes.values()))
    kept = {}

    def part(wildcards):
        domain = {"domain": wildcards.domain} if "domain" in wildcards.keys() else {}
        code = codes.get(domain.get("domain"), default)
        return shared(slices.canonical(spec(wildcards)), code, **domain)

    @quick
    def told(wildcards, **given):
        files = (dict(given[name].items()) for name in ("input", "output"))
        if cell is None:
            return Told(part(wildcards), "{}", *files)
        if wildcards.domain not in kept:
            kept[wildcards.domain] = part(wildcards)
        more = beside(wildcards) if beside else None
        return Told(kept[wildcards.domain], json.dumps(cell(wildcards)), *files, more)

    return told


def of_domain(slice_of):
    """The slice of the study for the wildcard `domain`."""
    return lambda wildcards: slice_of(STUDY, wildcards.domain)


cut_training = slices.trainings(STUDY)


def training(wildcards):
    """The slice of the study that all trainings of a domain share."""
    return slices.train_spec(STUDY, wildcards.domain, "", "", {}, [], sweep=True)


def training_cell(wildcards):
    """What a training's slice has beside."""
    spec = cut_training(wildcards.domain, wildcards.scale, wildcards.fraction)
    cell = {key: getattr(spec, key) for key in ("scale", "fraction", "size", "seeds")}
    if spec.training.rates == "law":
        cell["training"] = spec.training.model_dump(mode="json")
    if spec.nested:
        cell["nested"] = spec.nested
    return cell


# Domains whose larger sizes are trained at the rate that follows from the smallest ones.
BY_LAW = {name for name, task in STUDY.domains.items() if task.training.rates == "law"}


# Domains whose trainings on more data go on from those on less.
COOLED = {
    name for name, task in STUDY.domains.items() if task.training.schedule == "cooldown"
}


def training_beside(wildcards):
    """Whether a training checks the law of rates: a size that is the largest no more, since one was
    added, keeps its record. And whose trunk it goes on from, and whether it leaves its own: it comes
    to the same without either."""
    domain, scale, fraction = wildcards.domain, wildcards.scale, wildcards.fraction
    task, beside = STUDY.domains[domain], {}
    if domain in BY_LAW:
        beside["checked"] = sweeps.checked(task, scale, fraction)
    if domain in COOLED:
        beside["trunk"] = sweeps.trunk_from(task, scale, fraction)
        beside["leaves"] = sweeps.leaves_trunk(task, scale, fraction)
    return beside or None


def before_training(wildcards):
    """The record of the training whose trunk another goes on from. It must be made before, not be
    older."""
    task = STUDY.domains[wildcards.domain]
    before = sweeps.trunk_from(task, wildcards.scale, wildcards.fraction)
    path = out(f"train/{wildcards.domain}/{wildcards.scale}/{before}.json")
    return ancient(path) if before else []


def rates_of_training(wildcards):
    """The law of rates, for a training that follows it."""
    spec = cut_training(wildcards.domain, wildcards.scale, wildcards.fraction)
    return law_file(wildcards) if spec.training.rates == "law" else []


def law_file(wildcards):
    """A domain's law of rates, where it has one."""
    domain = wildcards.domain
    return out(f"rates/{domain}.json") if domain in BY_LAW else []


# An input of its own takes half a second of 10,000 jobs: only a study with a law has it.
TRAIN_RATES = {"rates": rates_of_training} if BY_LAW else {}
TRAIN_BEFORE = {"before": before_training} if COOLED else {}
DOMAIN_RATES = {"rates": law_file} if BY_LAW else {}


def swept_records(wildcards):
    """The records that a domain's law of rates rests on."""
    found = sweeps.swept(STUDY.domains[wildcards.domain]).items()
    return [
        out(f"train/{wildcards.domain}/{scale}/{fraction}.json")
        for scale, fraction in found
    ]


def rates_spec(wildcards):
    """What a domain's law of rates depends on."""
    domain = wildcards.domain
    return slices.rates_slice(STUDY, domain, trained_by(domain))


def family(domain):
    """What the digest of a training's code covers of its model family."""
    return family_roots(STUDY.domains[domain].family)


def source(domain):
    """What the digest of a preparation's code covers of its source of data."""
    return source_roots(STUDY.domains[domain].data.source)


def trained_by(domain):
    """Digest of the code of a domain's trainings."""
    return code_digest("train.py", *family(domain))


def verified_by(wildcards):
    """`trained_by` of a rule's domain."""
    return trained_by(wildcards.domain)


def data_files(wildcards):
    """The user's own file behind a domain, so that an edit of it re-runs the preparation."""
    return input_files(slices.data_slice(STUDY, wildcards.domain))


def data_state(wildcards):
    """Digest of names, sizes and times in a user's folder of images."""
    return source_state(slices.data_slice(STUDY, wildcards.domain))


def records(wildcards):
    """All training records of a domain."""
    return [
        out(f"train/{wildcards.domain}/{scale}/{fraction}.json")
        for scale, fraction in slices.cells(STUDY, wildcards.domain)
    ]


def verified_records(wildcards):
    """Records that an earlier `snakemake verify` left: they join the observations, marked."""
    folder = Path(out(f"verify/{wildcards.domain}"))
    found = slices.verified(
        STUDY, wildcards.domain, trained_by(wildcards.domain), folder
    )
    return [path for path, _ in found]


def expected_records(wildcards):
    """What the aggregate checks those records against."""
    folder = Path(out(f"verify/{wildcards.domain}"))
    return slices.aggregate_slice(
        STUDY, wildcards.domain, trained_by(wildcards.domain), folder
    )


@quick
def train_memory(wildcards, attempt):
    """MB for a training job, by the size of its model; a profile's `set-resources` wins."""
    return cluster.memory_mb(*slices.load(STUDY, wildcards), attempt)


@quick
def train_minutes(wildcards, attempt):
    """Minutes for a training job, by the size of its model; a profile's `set-resources` wins."""
    return cluster.minutes(*slices.load(STUDY, wildcards), attempt)


# Each resource takes 5 % of a large dry run: only those are named that something here limits.
TRAIN_RESOURCES = {"gpu": GPUS_PER_JOB} if GPUS_PER_JOB else {}
if not LOCAL or workflow.global_resources.keys() - {"gpu", "_cores", "_nodes"}:
    TRAIN_RESOURCES |= {"mem_mb": train_memory, "runtime": train_minutes}


# Of torch in a training, which is what serving is measured with too.
TRAIN_THREADS = workflow.resource_settings.overwrite_threads.get("train", 1)


def per_domain(pattern):
    """One path per domain."""
    return [out(pattern.format(domain=domain)) for domain in STUDY.domains]


def missing_records(domains):
    """Records of some domains that are missing although the table made from them is there: Snakemake makes a missing
    file between two that are there only if it is asked for it, and one that was refused would stay
    missing for good. To ask for all of them would cost a fifth of a dry run."""
    return [
        path
        for domain in domains
        if Path(out(f"observations/{domain}.csv")).exists()
        for path in records(SimpleNamespace(domain=domain))
        if not Path(path).exists()
    ]


def final_outputs():
    """Everything a study delivers."""
    return [
        *missing_records(STUDY.domains),
        *per_domain("observations/{domain}.csv"),
        *per_domain("fit/{domain}.json"),
        *per_domain("bootstrap/{domain}.json"),
        *per_domain("decision/{domain}.json"),
        *per_domain("audit/{domain}.json"),
        out("observations.csv"),
        out("summary.csv"),
        out("summary.txt"),
        out("study.html"),
        out("report.rst"),
        out("audit.csv"),
        out("scales.csv"),
        out("regimes.csv"),
        out("regimes.txt"),
        *(out(f"figures/summary.{kind}") for kind in ("png", "svg")),
        *(out(f"figures/audit.{kind}") for kind in ("png", "svg")),
        *(path for domain in STUDY.domains for path in figures_of(domain, FIGURES)),
        *(path for domain in STUDY.domains for path in serving_figures_of(domain)),
        # Made by targets of their own; once there, they do not fall behind the study.
        *filter(os.path.exists, [out("fit.txt"), *per_domain("summary/{domain}.txt")]),
    ]


def figures_of(domain, names):
    """The figures of a domain, in both formats."""
    return [
        out(f"figures/{domain}/{name}.{kind}")
        for name in names
        for kind in ("png", "svg")
    ]


def figures_of_all():
    """Every figure of the study but the summary's."""
    return [
        *(path for domain in STUDY.domains for path in figures_of(domain, FIGURES)),
        *(
            path
            for domain in STUDY.domains
            for path in figures_of(domain, REGIME_FIGURES)
        ),
        *(path for domain in STUDY.domains for path in serving_figures_of(domain)),
        *(path for domain in LANGUAGE for path in figures_of(domain, LANGUAGE_FIGURES)),
        *(path for domain in COMPARED for path in figures_of(domain, COMPARE_FIGURES)),
    ]


def asked():
    """The names and files that the command asks for; known once the rules are."""
    return set(workflow.dag_settings.targets or ())


def groups_asked(groups):
    """The first of each group of domains of which all are asked for."""
    return [domain for domain, group in groups.items() if set(group) <= asked()]


def domain_outputs(domain):
    """An input function: everything about one domain, ending with its summary. What compares it
    with other domains comes where all of them are asked for: it would train them too.
    """

    def outputs(wildcards):
        group = [domain] if domain in groups_asked(LANGUAGE) else []
        alike = [domain] if domain in groups_asked(COMPARED) else []
        return [
            *missing_records([domain]),
            out(f"audit/{domain}.json"),
            *figures_of(domain, {**FIGURES, **REGIME_FIGURES}),
            *serving_figures_of(domain),
            *(out(f"language/{name}.txt") for name in group),
            *(path for name in group for path in figures_of(name, LANGUAGE_FIGURES)),
            *(path for name in alike for path in figures_of(name, COMPARE_FIGURES)),
            out(f"summary/{domain}.csv"),
            out(f"summary/{domain}.txt"),
        ]

    return outputs


def begin():
    """Before the first job: no faults yet; what trainings need is looked at before one of them
    starts; and whoever forces jobs to run means trainings as well."""
    try:
        look_over()
        look_ahead()
        look_at_budget()
        FAULTS.unlink(missing_ok=True)
    except UserError as fault:
        sys.exit(f"error: {fault}")
    except OSError as fault:
        sys.exit(f"error: {describe(fault) or fault}")
    asked = workflow.dag_settings
    if asked.forceall or asked.forcerun or asked.forcetargets:
        # Submitted jobs inherit it.
        os.environ[FORCING] = "1"


def look_over():
    """Raise UserError for a folder of this run that cannot be written to, and for a file of the
    user's own that is dated ahead of the clock; files of this run that are, are dated now.

    Snakemake fails a job whose result is older than what it is made from, and with it goes what
    was trained.
    """
    now = time.time()
    for folder, _, files in os.walk(RESULTS):
        if not os.access(folder, os.W_OK | os.X_OK):
            raise UserError(
                f"{folder}: nothing can be written there, so nothing was run: give yourself the "
                "right to it, or take another `run`"
            )
        for path in (Path(folder, file) for file in files):
            if path.lstat().st_mtime > now + CLOCKS_APART:
                os.utime(path, (now, now))
                logger.info(f"{path} was dated ahead of the clock: dated now")
    for domain in STUDY.domains:
        for path in data_files(SimpleNamespace(domain=domain)):
            ahead = os.stat(path).st_mtime - now
            if ahead > CLOCKS_APART:
                raise UserError(
                    f"{path}: is dated {ahead / 3600:,.1f} hours ahead of this machine's clock, and "
                    "what is made from it would count as older: set the clock, or `touch` the file"
                )


def look_ahead():
    """Raise UserError where data that trainings rest on are damaged, or a user's own model is not
    one that they could train. Data that are still to be prepared are looked at by that job.
    """
    wanted = {"train": set(), "verify_domain": set(), "prepare": set()}
    for each in workflow.dag.needrun_jobs():
        if each.rule.name in wanted:
            wanted[each.rule.name].add(each.wildcards.domain)
    trained = (wanted["train"] | wanted["verify_domain"]) - wanted["prepare"]
    for domain in sorted(trained):
        check_whole(out(f"data/{domain}.json"))
    own = {
        domain: MODELS[domain] | {"meta": out(f"data/{domain}.json")}
        for domain in sorted(trained & MODELS.keys())
    }
    # With `--sdm conda` torch is in another environment than this one: there each training says
    # what is wrong with its own size.
    if own and not CONDA:
        try_models(SCRIPTS / "try_models.py", json.dumps(own), logger.info)


def look_at_budget():
    """Of a study by rounds whose data are there and of which nothing has been trained: raise
    UserError where the budget does not buy the first round."""
    if not WHOLE or Path(out("round.json")).exists():
        return
    metas = {domain: out(f"data/{domain}.json") for domain in STUDY.domains}
    trained = any(Path(out("train")).glob("*/*/*.json"))
    # With `--sdm conda` torch is in another environment than this one.
    if trained or CONDA or not all(map(os.path.exists, metas.values())):
        return
    asked_of = {
        "spec": as_json(round_slice(None)),
        "cells": {
            domain: [
                (
                    scale,
                    fraction,
                    sweeps.trained_at_most(STUDY.domains[domain], scale, fraction),
                )
                for scale, fraction in slices.cells(STUDY, domain)
            ]
            for domain in STUDY.domains
        },
        "metas": metas,
        "gpu": bool(GPUS_PER_JOB),
    }
    question = json.dumps(asked_of)
    ask(
        SCRIPTS / "afford.py",
        question,
        "ENOUGH",
        "counting what the first round takes",
        "a model",
    )


def trainings_left():
    """Have trainings that were to run, and did not come to an end, run the next time.

    Snakemake puts the old record of a training that failed back in its place, and forgets what it
    was made by: it would take it for this study's from then on, `aggregate` would refuse it, and
    a record that fits again once an edit is taken back would be lost. Older than the data, it is
    looked at once more by the training, which keeps it if it fits.
    """
    for each in workflow.dag.needrun_jobs():
        if each.rule.name == "train":
            with suppress(OSError):  # no such record, or no data: both are made anew
                before = os.stat(each.input.meta).st_mtime - 1
                os.utime(each.output.record, (before, before))


def repeat_faults():
    """As the last words: what went wrong, a line for each fault."""
    # A job that a cluster started again may have said the same thing each time.
    said = FAULTS.read_text(encoding="utf-8").splitlines() if FAULTS.exists() else []
    lines = "".join(f"{line}\n" for line in dict.fromkeys(said) if line.strip())
    drained(SHOWN)
    lines = lines or (
        full_disk(RESULTS)
        or "error: no job left a word: the lines above name what failed; a job that was killed from "
        "outside (out of memory, a time limit) goes on from its checkpoint when snakemake runs again\n"
    )
    atexit.register(lambda: print("\n" + lines, file=sys.stderr, end=""))


def trunks():
    """Folder of each trunk that a training of the study leaves → the record of that which goes on
    from it."""
    found = {}
    for domain in COOLED:
        for scale, fraction in slices.cells(STUDY, domain):
            before = sweeps.trunk_from(STUDY.domains[domain], scale, fraction)
            if before:
                spec = slices.digest_of(cut_training(domain, scale, before))
                folder = f"{CHECKPOINTS}/trunk-{spec}-{trained_by(domain)[:16]}"
                found[folder] = out(f"train/{domain}/{scale}/{fraction}.json")
    return found


def left_checkpoints():
    """Say what checkpoints of other configurations or other code lie around: they may hold hours of
    training that an edit interrupted, so a person removes them."""
    wanted = {
        f"{slices.digest_of(cut_training(domain, *cell))}-{trained_by(domain)[:16]}"
        for domain in STUDY.domains
        for cell in slices.cells(STUDY, domain)
    }
    wanted |= {
        path.name[:-13] for path in Path(RESULTS).glob("verify/*/*.promise.json")
    }
    for trunk, record in trunks().items():
        # A training that was there already did not ask for it.
        if Path(record).exists():
            shutil.rmtree(trunk, ignore_errors=True)
        wanted.add(Path(trunk).name)
    folders = [path for path in Path(CHECKPOINTS).glob("*") if path.name not in wanted]
    if folders:
        size = sum(
            file.stat().st_size for folder in folders for file in folder.iterdir()
        )
        print(
            f"\n{CHECKPOINTS} holds {len(folders)} checkpoint(s), {size / 1e6:.1f} MB, of trainings "
            f"that the study no longer has; to be rid of them: rm -r {CHECKPOINTS}",
            file=sys.stderr,
        )


def by_name(pattern):
    """One path per domain, in the order of their names."""
    return [out(pattern.format(domain=domain)) for domain in sorted(STUDY.domains)]


def round_slice(wildcards):
    """What the next round depends on."""
    return round_spec(WHOLE, STUDY, ROUNDS)


def all_outputs():
    """What `all` delivers: of a study by rounds, until these are through, what is known after the
    round at hand and what the next trains."""
    if WHOLE and slices.digest_of(round_slice(None)) != ROUNDS.finished:
        return [
            *missing_records(STUDY.domains),
            out("round.json"),
        ]
    rounds_made = [out("round.json")] if WHOLE else []
    return [
        *final_outputs(),
        *language_outputs(),
        *compare_outputs(),
        *rounds_made,
    ]


def go_on():
    """Of a study by rounds that `all` was asked for: take up what the last round found, and have
    Snakemake start again once this one has ended. Whether it does."""
    if (
        not WHOLE
        or not called()
        or asked() - {"all"}
        or not Path(out("round.json")).exists()
    ):
        return False
    settings = workflow.dag_settings
    if settings.until or settings.omit_from or settings.batch:
        return False
    try:
        record = read(out("round.json"), RoundRecord)
    except UserError as fault:
        drained(SHOWN)
        print(f"error: {fault}", file=sys.stderr, flush=True)
        end_with(1)
        return True
    if (
        record.asked != slices.digest_of(round_slice(None))
        or ROUNDS.finished == record.asked
    ):
        return False
    drained(SHOWN)
    print("\n" + Path(out("round.txt")).read_text(encoding="utf-8"), end="", flush=True)
    (rounds.adopt if record.runs else rounds.finish)(WHOLE, ROUNDS, record)
    # Once Snakemake has given its lock back. The same process goes on: its exit status is the last
    # one's, and whoever waits for it, or interrupts it, need not know.
    start_again()
    return True


def print_results():
    """Print what was asked for, as far as it is there: of domains and stages that were named their
    own pages, else the study's summary, its families compared and its language laws."""
    drained(SHOWN)
    targets = asked()
    stages = targets & {"fit", "figures", "regimes", "compare"}
    named = [each for each in NAMED_DOMAINS if each in targets]
    groups = groups_asked(LANGUAGE)
    pages = [
        f"{stage}.txt" for stage in ("fit", "regimes", "compare") if stage in stages
    ]
    if not targets or targets - stages - {*named, *NEEDS_NO_STUDY}:
        pages = [each for each in pages if each != "compare.txt"]
        pages += ["summary.txt", *(["compare.txt"] if COMPARED else [])]
        groups = list(LANGUAGE)
    else:
        pages += [f"summary/{domain}.txt" for domain in named]
    for path in map(
        Path, map(out, [*pages, *(f"language/{group}.txt" for group in groups)])
    ):
        if path.exists():
            print("\n" + path.read_text(encoding="utf-8"), end="")
    if "figures" in stages:
        print(f"\nfigures: {out('figures')}")
    if SHOWN:  # else these jobs have said it themselves
        for path in (
            Path(ON_REQUEST[each]) for each in sorted(targets & {*ON_REQUEST})
        ):
            if path.exists():
                print("\n" + path.read_text(encoding="utf-8"), end="")
    page = Path(out("study.html"))
    summary = Path(out("summary.txt"))
    # Not one that an earlier run left, as where a stage alone was asked for.
    if "summary.txt" in pages and page.exists() and _newer(page, summary):
        print(f"\nthe page: {page}, to move targets and prices; it opens in a browser")


def _newer(path, other):
    """Whether a file is no older than another."""
    return path.stat().st_mtime >= other.stat().st_mtime


def language_observations(wildcards):
    """Observations of a domain and of those that compare to it."""
    return [out(f"observations/{domain}.csv") for domain in LANGUAGE[wildcards.domain]]


def compared(pattern):
    """An input function: a file of a domain and of each that compares to it."""
    return lambda wildcards: [
        out(pattern.format(domain=domain)) for domain in COMPARED[wildcards.domain]
    ]


def compare_outputs():
    """What comparing families delivers; nothing where no domain compares with another."""
    if not COMPARED:
        return []
    figures = [
        path for domain in COMPARED for path in figures_of(domain, COMPARE_FIGURES)
    ]
    return [out("compare.csv"), out("compare.txt"), *figures]


def language_outputs():
    """What every group of language domains delivers."""
    return [
        path
        for domain in LANGUAGE
        for path in (
            out(f"language/{domain}.txt"),
            *figures_of(domain, LANGUAGE_FIGURES),
        )
    ]


def curve_records():
    """Training records whose curves the page shows: each size at its domain's largest fraction."""
    return [
        out(f"train/{domain}/{scale}/{fraction}.json")
        for domain in STUDY.domains
        for scale, fraction in slices.cells(STUDY, domain)
        if fraction == slices.fractions(STUDY, domain)[-1]
    ]


def serving_spec(wildcards):
    """What the measurement of serving depends on: of a study by rounds its whole ladders, so that no
    round measures anew."""
    ladders = WHOLE.model_copy(update={"device": STUDY.device}) if WHOLE else STUDY
    return slices.serving_slice(ladders, wildcards.domain)


def pace_spec(wildcards):
    """What timing the naive model depends on: of a study by rounds its whole ladders, as above."""
    ladders = WHOLE.model_copy(update={"device": STUDY.device}) if WHOLE else STUDY
    return slices.pace_slice(ladders, wildcards.domain)


def pace_record(wildcards):
    """The pace of a domain's naive model; nothing where there is none to time."""
    timed = pace_spec(wildcards) is not None
    return out(f"pace/{wildcards.domain}.json") if timed else []


def serving_record(wildcards):
    """What serving takes in a domain; nothing where the study does not ask."""
    return [] if STUDY.serving is None else out(f"serving/{wildcards.domain}.json")


def serving_figures_of(domain):
    """The figures of what a domain's model costs to keep, where the study asks."""
    return [] if STUDY.serving is None else figures_of(domain, SERVING_FIGURES)


def first_page():
    """What `snakemake --report` opens on: the study's answer, once there is one."""
    answered = Path(out("report.rst"))
    return str(
        answered.absolute()
        if answered.exists()
        else Path(workflow.basedir) / "workflow" / "report" / "study.rst"
    )


def page_spec(wildcards):
    """What the page depends on, beside its records."""
    cell = "train/{domain}/{scale}/{fraction}.json"
    return slices.page_slice(STUDY, as_called(target="CELL").replace("CELL", out(cell)))


def benchmark_spec(wildcards):
    """What the benchmark of learning curves depends on."""
    return STUDY.curves_benchmark.model_dump()


def plan_spec(wildcards):
    """What a domain's plan depends on."""
    adopted = ADOPTED.get(wildcards.domain, [])
    return slices.plan_slice(STUDY, wildcards.domain, adopted)
