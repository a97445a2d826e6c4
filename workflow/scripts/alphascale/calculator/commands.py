"""`alphascale calc …`: the calculator on the command line.

Every command prints a table to read, or JSON with --json. A request that cannot be met ends in one
line on stderr and exit status 2.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from alphascale.calculator import strategies
from alphascale.calculator.allocation import allocate, can_allocate
from alphascale.calculator.calculator import Calculator
from alphascale.calculator.historical import COMPARED, HISTORICAL, compare, read_models
from alphascale.calculator.improvement import improvement, wanted_loss
from alphascale.calculator.known_laws import ALIASES, VARIABLES, get_law, law_names
from alphascale.errors import UserError
from alphascale.literature.published import PF_DAY
from alphascale.running.program import OneLineParser
from alphascale.units import fixed

SUFFIXES = {"k": 1e3, "M": 1e6, "B": 1e9, "G": 1e9, "T": 1e12}
POINT = ("params", "tokens", "flops", "unique", "batch", "steps", "min_steps", "min_flops")
HELP = {
    "params": "N, parameters",
    "tokens": "D, tokens seen in training",
    "flops": "C = 6·N·D, FLOP",
    "unique": "U, unique tokens (law data-constrained)",
    "batch": "B, tokens per step",
    "steps": "S, optimiser steps",
    "min_steps": "S_min, steps at an infinite batch",
    "min_flops": "C_min, FLOP at a batch far below the critical one",
    "loss": "loss in nats per token",
}


def number(text: str) -> float:
    """A positive number: 1.75e11, or with a suffix k, M, B (or G), T: 175B."""
    scale = SUFFIXES.get(text[-1:], 1.0)
    try:
        value = float(text[:-1] if text[-1:] in SUFFIXES else text) * scale
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number; write 5.76e23, or 70B (suffixes k, M, B, T)"
        ) from None
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a finite number above 0, got {text}")
    return value


def pf_days(text: str) -> float:
    """PF-days to FLOP."""
    return number(text) * PF_DAY


def register(subparsers) -> None:
    """Add `calc` and its commands to an argparse subparsers object.

    Each sets run=function(args), which prints its answer or raises UserError.
    """
    calc = subparsers.add_parser(
        "calc",
        help="numbers and allocations from the laws of the literature, or from a saved fit",
        description="Laws: " + ", ".join([*law_names(), *ALIASES]) + ", or a saved fit (fit.json).",
    )
    commands = calc.add_subparsers(
        dest="calc_command", required=True, metavar="command", parser_class=OneLineParser
    )

    def command(name: str, summary: str, answer) -> argparse.ArgumentParser:
        parser = commands.add_parser(name, help=summary, description=summary)
        parser.add_argument("--json", action="store_true", help="print JSON, at full precision")
        parser.set_defaults(run=_show, answer=answer)
        return parser

    command("laws", "list the laws, what each needs and where it comes from", _laws)

    loss = command("loss", "predict a loss at a point", _loss)
    _law(loss)
    _point(loss)

    solve = command("solve", "find the N, D or C that gives a loss", _solve)
    _law(solve)
    solve.add_argument(
        "--for", dest="variable", required=True, choices=("params", "tokens", "flops", "min_steps")
    )
    solve.add_argument("--loss", type=number, required=True, help=HELP["loss"])
    _point(solve, ("params", "tokens", "unique", "min_steps"))

    split = command("allocate", "share a budget between N and D", _allocate)
    split.add_argument("--law", nargs="+", default=COMPARED, help="one or more laws; default: all")
    _flops(split, required=True)
    _point(split, ("unique",))

    versus = command("compare", "hold models against each law's own allocation", _compare)
    versus.add_argument(
        "models", nargs="?",
        help="CSV with name, params, tokens and, optionally, flops and loss; default: GPT-2, "
        "GPT-3, Gopher, Chinchilla",
    )  # fmt: skip
    versus.add_argument("--law", nargs="+", default=COMPARED, help="one or more laws; default: all")

    better = command(
        "improvement",
        "what a change from one run to another gains, or what a wanted gain takes",
        _improvement,
    )
    _law(better)
    _point(better)
    _point(better, ("params", "tokens", "flops", "batch", "steps", "min_steps"), "to-")
    better.add_argument("--target", type=number, help="wanted loss, nats")
    better.add_argument("--by-percent", type=number, help="wanted reduction, per cent of the loss")
    better.add_argument("--by-nats", type=number, help="wanted reduction, nats")

    critical = command("critical-batch", "the critical batch size at a loss", _critical)
    critical.add_argument("--loss", type=number, required=True, help=HELP["loss"])

    steps = command("steps", "S_min, E_min, steps at a batch, C_min, early stopping", _steps)
    steps.add_argument("--loss", type=number, required=True, help=f"final {HELP['loss']}")
    _point(steps, ("params", "tokens", "batch", "steps", "flops"))

    ways = command("strategies", "several ways to spend one true cost", _strategies)
    _flops(ways, required=True)
    ways.add_argument("--params", nargs="+", type=number, default=(), help="sizes to train")
    ways.add_argument("--batch", type=number, help="B, tokens; default: critical batch")


def _law(parser) -> None:
    parser.add_argument("--law", required=True, help="a published law, or a saved fit (fit.json)")


def _point(parser, names: Sequence[str] = POINT, prefix: str = "") -> None:
    for name in names:
        if name in ("flops", "min_flops"):
            _flops(parser, prefix=prefix, name=name)
        else:
            flag = f"--{prefix}{name.replace('_', '-')}"
            parser.add_argument(flag, type=number, help=HELP[name])


def _flops(parser, required: bool = False, prefix: str = "", name: str = "flops") -> None:
    """--flops or --pf-days, into one place."""
    either = parser.add_mutually_exclusive_group(required=required)
    dest = f"{prefix}{name}".replace("-", "_")
    for unit, kind in (("flops", number), ("pf-days", pf_days)):
        flag = f"--{prefix}{name.replace('flops', unit).replace('_', '-')}"
        note = "" if unit == "flops" else " in PF-days (8.64e19 FLOP each)"
        either.add_argument(flag, dest=dest, type=kind, help=HELP[name] + note)


def main(argv: Sequence[str] | None = None) -> int:
    """Run `calc` on its own; returns the exit status (0, or 2 after one line on stderr)."""
    parser = OneLineParser(prog="alphascale")
    register(parser.add_subparsers(dest="command", required=True, metavar="command"))
    args = parser.parse_args(["calc", *(sys.argv[1:] if argv is None else argv)])
    try:
        args.run(args)
    except UserError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 2
    return 0


def _show(args: argparse.Namespace) -> None:
    data, text = args.answer(args)
    print(json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) if args.json else text)


# --- one function per command: (data for JSON, text to read) --------------------------------------


def _laws(args):
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


def _loss(args):
    calculator = Calculator(args.law)
    found = calculator.evaluate(**_given(args))
    rows = [*_head(calculator.law), *_quantities(found.at), (found.response, _nats(found.value))]
    return found.as_dict() | {"source": calculator.law.source}, pairs(rows, found.notes)


def _solve(args):
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
    rows = [*_head(law), (law.response, _nats(args.loss)), *_quantities(found)]
    notes = calculator.cautions(found)
    data = {"law": law.name, law.response: args.loss, **found, "notes": list(notes)}
    return data, pairs(rows, notes)


def _allocate(args):
    found = [allocate(law, args.flops, args.unique) for law in args.law]
    data = [a.as_dict() | {"source": get_law(a.law).source} for a in found]
    if len(found) > 1:
        head = ["law", "N", "D", "D/N", "loss", "B", "S", "how"]
        rows = [
            [a.law, _g(a.params), _g(a.tokens), f"{a.tokens_per_param:.4g}", _nats(a.loss),
             _g(a.batch), _g(a.steps), a.how]
            for a in found
        ]  # fmt: skip
        return data, f"budget  {_budget(args.flops)}\n\n{grid(head, rows)}"
    (a,) = found
    rows = [
        *_head(get_law(a.law)),
        ("budget C", _budget(a.flops)),
        ("N", _g(a.params)),
        ("D", _g(a.tokens)),
        ("D/N", f"{a.tokens_per_param:.4g}"),
        ("6·N·D", f"{_g(a.spent)} FLOP"),
        ("loss", _nats(a.loss)),
        *_quantities({k: getattr(a, k) for k in ("batch", "steps", "min_steps", "min_flops")}),
        ("how", a.how),
    ]
    return data[0], pairs(rows, a.notes)


def _compare(args):
    models = HISTORICAL if args.models is None else read_models(args.models)
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
            [c.law, _nats(c.loss), _nats(c.measured), _g(c.best_params), _g(c.best_tokens),
             f"{c.params_ratio:.3g}", f"{c.tokens_ratio:.3g}", _nats(c.best_loss),
             "–" if c.wasted is None else f"{100 * c.wasted:.1f} %"]
            for c in found if c.name == model.name
        ]  # fmt: skip
        title = f"{model.name}: N {_g(model.params)}, D {_g(model.tokens)}, {_budget(model.budget)}"
        parts.append(f"{title}\n  {model.source}\n{grid(head, rows)}")
    parts.append("wasted: the share of C beyond what the law's own allocation needs for that loss.")
    return data, "\n\n".join(parts)


def _improvement(args):
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
        rows += [("loss now", _nats(now.value)), ("loss wanted", _nats(goal))]
        for name, found in factors.items():
            symbol = VARIABLES[name][0]
            alone = "C, spent as the law would" if name == "flops" else f"{symbol} alone"
            said = found.get("refused") or f"× {found['factor']:.4g}, to {_g(found['value'])}"
            rows.append((alone, said))
        data = {"law": now.law, "from": now.as_dict(), "target": goal, "factors": factors}
        return data, pairs(rows, now.notes)
    data = improvement(args.law, start, end)
    rows = [*_head(get_law(args.law))]
    rows += [(f"{VARIABLES[k][0]} factor", f"× {v:.4g}") for k, v in data["factors"].items()]
    response = get_law(args.law).response
    rows += [
        ("loss from", _nats(data["from"][response])),
        ("loss to", _nats(data["to"][response])),
        ("gain", f"{data['gain']:.4f} nats, {100 * data['share']:.2f} % of the loss"),
        (
            "reducible part",
            f"{100 * data['of_reducible']:.2f} % of what lies above {data['floor']:.4f}",
        ),
    ]
    return data, pairs(rows, data["to"]["notes"])


def _critical(args):
    batch = strategies.critical_batch(args.loss)
    law = get_law("kaplan-bcrit")
    data = {"loss": args.loss, "critical_batch": batch, "source": law.source}
    rows = [("source", law.source), ("loss", _nats(args.loss)), ("B_crit", f"{_g(batch)} tokens")]
    return data, pairs(rows)


def _steps(args):
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
    rows = [("source", strategies.SOURCE), ("loss", _nats(found["loss"]))]
    for name, value in found.items():
        if name in extra:
            rows.append((extra[name][0], f"{_g(value)} {extra[name][1]}"))
        elif name != "loss":
            rows += _quantities({name: value})
    return found | {"source": strategies.SOURCE}, pairs(rows)


def _strategies(args):
    found = strategies.strategies(args.flops, args.params, args.batch)
    head = ["strategy", "N", "B", "S", "D = B·S", "B_crit", "S_min", "C_min/C", "loss"]
    rows = [
        [s.name, _g(s.params), _g(s.batch), _g(s.steps), _g(s.tokens), _g(s.critical_batch),
         _g(s.min_steps), f"{s.min_flops / s.flops:.3f}", _nats(s.loss)]
        for s in found
    ]  # fmt: skip
    text = f"budget  C = 6·N·B·S = {_budget(args.flops)}\nsource  {strategies.SOURCE}\n\n"
    data = {"flops": args.flops, "pf_days": args.flops / PF_DAY, "source": strategies.SOURCE}
    return data | {"strategies": [s.as_dict() for s in found]}, text + grid(head, rows)


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
            text = _budget(value) if unit == "FLOP" else f"{_g(value)} {unit}"
            rows.append((symbol, text))
    return rows


def _g(value: float | None) -> str:
    return "–" if value is None else f"{value:.5g}"


def _nats(value: float | None) -> str:
    return "–" if value is None else fixed(value, 4)


def _budget(flops: float) -> str:
    return f"{flops:.5g} FLOP = {flops / PF_DAY:.5g} PF-days"


def pairs(rows: Sequence[tuple[str, str]], notes: Sequence[str] = ()) -> str:
    """Lines of label and value, labels padded; notes under them."""
    rows = [*rows, *(("note", note) for note in notes)]
    width = max(len(label) for label, _ in rows)
    return "\n".join(f"{label:<{width}}  {value}" for label, value in rows)


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in plain text: first column to the left, numbers to the right."""
    table = [list(head), *[list(row) for row in rows]]
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    numeric = [
        i > 0 and all(row[i][:1].isdigit() or row[i] in "–" for row in rows)
        for i in range(len(head))
    ]
    lines = [
        "  ".join(
            cell.rjust(w) if right else cell.ljust(w)
            for cell, w, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in table
    ]
    lines.insert(1, "  ".join("-" * w for w in widths))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
