"""Write every table, text and figure of the published laws into one folder, and a page of them."""

from pathlib import Path

import numpy as np
from alphascale.calculator.allocation import allocate
from alphascale.calculator.demonstration import TEXTS, page
from alphascale.calculator.historical import COMPARED, HISTORICAL, MEASURED, compare
from alphascale.calculator.known_laws import get_law, law_names
from alphascale.calculator.strategies import critical_batch, strategies
from alphascale.plots import style
from alphascale.plots.literature import FIGURES, GOPHER_BUDGET
from alphascale.records.files import replacing
from alphascale.records.observations import write_table
from alphascale.running import program

BUDGETS = tuple(np.geomspace(1e18, 1e26, 9).tolist())


def laws():
    """One row per constant of each law."""
    for name in law_names():
        law = get_law(name)
        for constant, value in law.constants.items():
            yield {
                "law": law.name,
                "takes": " ".join(law.variables),
                "counts": law.counts,
                "constant": constant,
                "value": value,
                "source": law.source,
            }


def allocations():
    """One row per law and budget, FLOP; the budget of Gopher among them."""
    for flops in sorted({*BUDGETS, GOPHER_BUDGET}):
        for law in COMPARED:
            row = allocate(law, flops).as_dict()
            yield row | {"notes": "; ".join(row["notes"])}


def comparison():
    """Every historical model against every law."""
    yield from _compared(HISTORICAL)


def measured():
    """Every model whose loss was published against every law."""
    yield from _compared(MEASURED)


def _compared(models):
    sources = {model.name: model.source for model in models}
    for found in compare(models):
        row = found.as_dict()
        yield row | {"notes": "; ".join(row["notes"]), "source": sources[found.name]}


def ways():
    """The default strategies at 1, 100 and Gopher's 6667 PF-days."""
    for flops in (8.64e19, 8.64e21, GOPHER_BUDGET):
        yield from (plan.as_dict() for plan in strategies(flops))


def batches():
    """Critical batch, tokens, over loss, nats."""
    for loss in np.arange(1.5, 6.01, 0.25).tolist():
        yield {"loss": loss, "critical_batch": critical_batch(loss)}


TABLES = {
    "laws": laws,
    "allocations": allocations,
    "comparison": comparison,
    "strategies": ways,
    "critical_batch": batches,
    "measured": measured,
}
TITLES = {
    "loss_over_params": "Loss over model size",
    "loss_over_tokens": "Loss over data",
    "training_curves": "Ways to spend one budget",
    "plane": "The compute-optimal frontier in N and D",
    "frontier": "The compute-optimal frontier over compute",
    "measured": "Measured and predicted",
}


def main(job):
    folder = Path(job.output.tables[0]).parent
    for name, rows in TABLES.items():
        write_table(folder / f"{name}.csv", list(rows()))
    for name, draw in FIGURES.items():
        figure = draw()
        for kind in style.KINDS:
            style.save(figure, folder / f"{name}.{kind}")
    texts = {name: write() for name, write in TEXTS.items()}
    for name, text in texts.items():
        _write(folder / f"{name}.txt", text)
    shown = {title: folder / f"{name}.png" for name, title in TITLES.items()}
    _write(folder / "summary.html", page(shown, texts))


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    program.run(main)
