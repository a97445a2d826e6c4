"""What `alphascale calc …` answers: one function per command, of its parsed arguments, giving
(data for JSON, text to read)."""

from __future__ import annotations

from collections.abc import Sequence

from alphascale.calculator import strategies
from alphascale.calculator.allocation import allocate, around, can_allocate
from alphascale.calculator.calculator import Calculator
from alphascale.calculator.historical import HISTORICAL, MEASURED, compare, read_models
from alphascale.calculator.improvement import improvement, wanted_loss
from alphascale.calculator.kaplan import draw
from alphascale.calculator.known_laws import ALIASES, VARIABLES, get_law, law_names
from alphascale.calculator.shown import budget, grid, nats, pairs, short
from alphascale.errors import UserError
from alphascale.literature.published import PF_DAY

MOST_POINTS = 100_000  # lines of a table
POINT = ("params", "tokens", "flops", "unique", "batch", "steps", "min_steps", "min_flops")
# What `calc figure` draws, and the option that each takes: alphascale.plots.literature.FIGURES.
FIGURES = {
    "loss_over_params": "tokens",
    "loss_over_tokens": "params",
    "training_curves": "flops",
    "frontier": "",
    "plane": "",
    "measured": "",
}


def laws(args):
    laws = [get_law(name) for name in law_names()]
    data = [
        {
            "law": law.name,
            "takes": list(law.variables),
            "counts": law.counts,
            "constants": dict(law.constants),
            "source": law.source,
        }
        for law in laws
    ]
    rows = [[d["law"], ", ".join(d["takes"]) or "(a rule)", d["counts"], d["source"]] for d in data]
    names = "; ".join(f"{alias} = {name}" for alias, name in ALIASES.items())
    return data, f"{grid(['law', 'takes', 'N counts', 'source'], rows)}\nalso: {names}"


def loss(args):
    calculator = Calculator(args.law)
    found = calculator.evaluate(**_given(args))
    rows = [*_head(calculator.law), *_quantities(found.at), (found.response, nats(found.value))]
    return found.as_dict() | {"source": calculator.law.source}, pairs(rows, found.notes)


def solve(args):
    calculator = Calculator(args.law)
    known = {
        k: v
        for k, v in _given(args, ("params", "tokens", "unique", "min_steps")).items()
        if v is not None
    }
    value = calculator.solve(args.variable, args.loss, **known)
    found = {**known, args.variable: value}
    law = calculator.law
    if args.variable == "flops" and not {"params", "tokens"} & set(known) and can_allocate(law):
        best = allocate(law, value)
        found |= {"params": best.params, "tokens": best.tokens}
    rows = [*_head(law), (law.response, nats(args.loss)), *_quantities(found)]
    notes = calculator.cautions(found)
    data = {"law": law.name, law.response: args.loss, **found, "notes": list(notes)}
    return data, pairs(rows, notes)


def split(args):
    if args.around is not None:
        return _around(args)
    found = [allocate(law, args.flops, args.unique) for law in args.law]
    data = [a.as_dict() | {"source": get_law(a.law).source} for a in found]
    if len(found) > 1:
        head = ["law", "N", "D", "D/N", "loss", "B", "S", "how"]
        rows = [
            [a.law, short(a.params), short(a.tokens), f"{a.tokens_per_param:.4g}", nats(a.loss),
             short(a.batch), short(a.steps), a.how]
            for a in found
        ]  # fmt: skip
        return data, f"budget  {budget(args.flops)}\n\n{grid(head, rows)}"
    (a,) = found
    rows = [
        *_head(get_law(a.law)),
        ("budget C", budget(a.flops)),
        ("N", short(a.params)),
        ("D", short(a.tokens)),
        ("D/N", f"{a.tokens_per_param:.4g}"),
        ("6·N·D", f"{short(a.spent)} FLOP"),
        ("loss", nats(a.loss)),
        *_quantities({k: getattr(a, k) for k in ("batch", "steps", "min_steps", "min_flops")}),
        ("how", a.how),
    ]
    return data[0], pairs(rows, a.notes)


def _around(args):
    if len(args.law) != 1 or args.unique is not None:
        raise UserError("--around is of one law of params and tokens: give one --law")
    found = around(args.law[0], args.flops, args.around)
    data = [{"strategy": name, **a.as_dict()} for name, a in found.items()]
    best = found["optimal"].loss
    rows = [
        [name, short(a.params), short(a.tokens), f"{a.tokens_per_param:.4g}", nats(a.loss),
         f"{a.loss - best:.4f}"]
        for name, a in found.items()
    ]  # fmt: skip
    head = ["strategy", "N", "D", "D/N", "loss", "above best"]
    law = get_law(args.law[0])
    return data, f"{pairs([*_head(law), ('budget', budget(args.flops))])}\n\n{grid(head, rows)}"


def versus(args):
    if args.measured and args.models is not None:
        raise UserError("give either a file of models or --measured")
    models = MEASURED if args.measured else HISTORICAL
    models = models if args.models is None else read_models(args.models)
    found = compare(models, args.law)
    sources = {m.name: m.source for m in models}
    data = [c.as_dict() | {"source": sources[c.name]} for c in found]
    head = [
        "law",
        "loss",
        "measured",
        "N best",
        "D best",
        "N/best",
        "D/best",
        "loss best",
        "wasted",
    ]
    parts = []
    for model in models:
        rows = [
            [c.law, nats(c.loss), nats(c.measured), short(c.best_params), short(c.best_tokens),
             f"{c.params_ratio:.3g}", f"{c.tokens_ratio:.3g}", nats(c.best_loss),
             "–" if c.wasted is None else f"{100 * c.wasted:.1f} %"]
            for c in found if c.name == model.name
        ]  # fmt: skip
        title = f"{model.name}: N {short(model.params)}, D {short(model.tokens)}"
        parts.append(f"{title}, {budget(model.budget)}\n  {model.source}\n{grid(head, rows)}")
    parts.append("wasted: the share of C beyond what the law's own allocation needs for that loss.")
    return data, "\n\n".join(parts)


def improve(args):
    start = _given(args)
    end = {k[3:]: v for k, v in vars(args).items() if k.startswith("to_") and v is not None}
    goals = (args.target, args.by_percent, args.by_nats)
    if end and any(v is not None for v in goals):
        raise UserError("give either a second run (--to-…) or a wanted loss (--target, --by-…)")
    if not end:
        calculator = Calculator(args.law)
        now = calculator.evaluate(**start)
        goal = wanted_loss(now.value, *goals)
        factors = calculator.factors(loss=goal, **start)
        rows = [*_head(calculator.law), *_quantities(now.at)]
        rows += [("loss now", nats(now.value)), ("loss wanted", nats(goal))]
        for name, found in factors.items():
            symbol = VARIABLES[name][0]
            alone = "C, spent as the law would" if name == "flops" else f"{symbol} alone"
            said = found.get("refused") or f"× {found['factor']:.4g}, to {short(found['value'])}"
            rows.append((alone, said))
        data = {"law": now.law, "from": now.as_dict(), "target": goal, "factors": factors}
        return data, pairs(rows, now.notes)
    data = improvement(args.law, start, end)
    rows = [*_head(get_law(args.law))]
    rows += [(f"{VARIABLES[k][0]} factor", f"× {v:.4g}") for k, v in data["factors"].items()]
    response = get_law(args.law).response
    unit = " nats" if response == "loss" else ""
    rows += [
        (f"{response} from", nats(data["from"][response])),
        (f"{response} to", nats(data["to"][response])),
        ("gain", f"{data['gain']:.4f}{unit}, {100 * data['share']:.2f} % of the {response}"),
        (
            "reducible part",
            f"{100 * data['of_reducible']:.2f} % of what lies above {data['floor']:.4f}",
        ),
    ]
    return data, pairs(rows, data["to"]["notes"])


def critical(args):
    batch = strategies.critical_batch(args.loss)
    law = get_law("kaplan-bcrit")
    data = {"loss": args.loss, "critical_batch": batch, "source": law.source}
    rows = [("source", law.source), ("loss", nats(args.loss)), ("B_crit", f"{short(batch)} tokens")]
    return data, pairs(rows)


def steps(args):
    found = strategies.steps_report(
        args.loss, **_given(args, ("params", "tokens", "batch", "steps", "flops"))
    )
    extra = {
        "critical_batch": ("B_crit", "tokens"),
        "min_tokens": ("E_min", "tokens"),
        "tokens_processed": ("E = B·S", "tokens"),
        "stop_steps": ("S_stop ≥", "steps"),
        "tokens": ("D", "tokens of data"),
    }
    rows = [("source", strategies.SOURCE), ("loss", nats(found["loss"]))]
    for name, value in found.items():
        if name in extra:
            rows.append((extra[name][0], f"{short(value)} {extra[name][1]}"))
        elif name != "loss":
            rows += _quantities({name: value})
    return found | {"source": strategies.SOURCE}, pairs(rows)


def ways(args):
    found = strategies.strategies(args.flops, args.params, args.batch)
    head = ["strategy", "N", "B", "S", "D = B·S", "B_crit", "S_min", "C_min/C", "loss"]
    rows = [
        [s.name,
         *map(short, (s.params, s.batch, s.steps, s.tokens, s.critical_batch, s.min_steps)),
         f"{s.min_flops / s.flops:.3f}", nats(s.loss)]
        for s in found
    ]  # fmt: skip
    text = f"budget  C = 6·N·B·S = {budget(args.flops)}\nsource  {strategies.SOURCE}\n\n"
    data = {"flops": args.flops, "pf_days": args.flops / PF_DAY, "source": strategies.SOURCE}
    return data | {"strategies": [s.as_dict() for s in found]}, text + grid(head, rows)


def curve(args):
    if not 2 <= args.points <= MOST_POINTS:
        raise UserError(f"points must lie between 2 and {MOST_POINTS:,}, got {args.points:,}")
    steps, loss = strategies.training_loss_curve(
        args.params, args.tokens, args.steps, args.batch, args.points
    )
    source = f"{strategies.SOURCE}; not below L(N, D) of eq. 1.5"
    data = {
        **{k: getattr(args, k) for k in ("params", "tokens", "batch")}, "source": source,
        "steps": steps.tolist(), "loss": loss.tolist(),
    }  # fmt: skip
    rows = [[short(s), short(s * args.batch), nats(v)] for s, v in zip(steps, loss, strict=True)]
    head = [("source", source), *_quantities({k: data[k] for k in ("params", "tokens", "batch")})]
    return data, f"{pairs(head)}\n\n{grid(['S', 'B·S', 'loss'], rows)}"


def figure(args):
    given = {k: v for k in ("tokens", "params", "flops") if (v := getattr(args, k)) is not None}
    for name in given:
        if name != FIGURES[args.name]:
            takes = f"takes {FIGURES[args.name]}" if FIGURES[args.name] else "takes no numbers"
            raise UserError(f"figure {args.name} has no use for {name}: it {takes}")
    draw(args.name, args.out, **given)
    return {"figure": args.name, "file": args.out}, f"saved: {args.out}"


# --- how things are shown -------------------------------------------------------------------------


def _given(args, names: Sequence[str] = POINT) -> dict[str, float | None]:
    return {name: getattr(args, name, None) for name in names}


def _head(law) -> list[tuple[str, str]]:
    return [("law", law.name), ("source", law.source), ("N counts", law.counts)]


def _quantities(at: dict[str, float | None]) -> list[tuple[str, str]]:
    rows = []
    for name, (symbol, unit) in VARIABLES.items():
        value = at.get(name)
        if value is not None:
            text = budget(value) if unit == "FLOP" else f"{short(value)} {unit}"
            rows.append((symbol, text))
    return rows
