"""A page from what it holds: one file of HTML with its styles, programs and numbers inside.

uPlot (50 kB, MIT) draws the figures: Observable Plot is ten times as large, Vega-Lite sixteen,
plotly.js a hundred, and the page needs no more of them than lines, bands and logarithmic axes.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

from .. import __version__
from ..carbon import WORLD, countries
from ..errors import UserError
from ..records.files import write_text

HERE = Path(__file__).parent
PAGE = "study.html"  # its name in a study's folder
FORMAT = "alphascale-page/1"
SCRIPTS = (
    "state", "numbers", "law", "decide", "charts", "panels", "figures", "tables", "sliders", "view",
)  # fmt: skip
OPENS, CLOSES = '<script type="application/json" id="payload">', "</script>"


def study_payload(title: str, domains: list[dict[str, Any]]) -> dict[str, Any]:
    """One study: its name and what `payload.domain_payload` gives of each of its domains."""
    return {"title": title, "version": __version__, "domains": domains}


def write_page(path: str | Path, title: str, studies: list[dict[str, Any]], fallback: str) -> None:
    """Write the page of one study, or of two beside each other; fallback: what is read where no
    program runs."""
    whole = {
        "format": FORMAT,
        "studies": studies,
        "countries": [("World", WORLD), *((each.name, each.g_per_kwh) for each in countries())],
    }
    # `</script>` in a text would end the element that holds it.
    numbers = json.dumps(whole, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    parts = {
        "format": FORMAT if len(studies) == 1 else f"{FORMAT} of two",
        "title": html.escape(title),
        "styles": _text("vendor/uPlot.min.css") + _text("assets/page.css"),
        "fallback": html.escape(fallback).replace("\n", "<br>"),
        "footer": _footer(),
        "payload": numbers.replace("<", "\\u003c"),
        "scripts": _programs(),
    }
    text = _text("assets/page.html")
    pieces = text.split("{{")
    made = [pieces[0]]
    for piece in pieces[1:]:
        name, rest = piece.split("}}", 1)
        made += [parts[name], rest]
    write_text(path, "".join(made))


def read_page(path: str | Path) -> list[dict[str, Any]]:
    """The studies that a page holds. Raises UserError where it is none of ours."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        numbers = text.split(OPENS, 1)[1].split(CLOSES, 1)[0]
        whole = json.loads(numbers)
    except OSError as fault:
        raise UserError(f"{path}: cannot be read ({fault.strerror})") from None
    except (IndexError, ValueError):
        raise UserError(f"{path}: is no page of alphascale") from None
    if whole.get("format") != FORMAT:
        raise UserError(f"{path}: a page of another version; make it anew: snakemake --cores all")
    return whole["studies"]


def _programs() -> str:
    licence = _text("vendor/uPlot.LICENSE").replace("*/", "* /")
    own = "\n".join(_text(f"assets/{name}.js") for name in SCRIPTS)
    library = _text("vendor/uPlot.iife.min.js")
    return f'/*\n{licence}*/\n{library}\n(() => {{\n"use strict";\n{own}}})();'


def _footer() -> str:
    return (
        f"Made by alphascale {html.escape(__version__)} from the study's own records. Every number "
        "is worked out here, from the draws of the fitted law that this file holds; nothing is "
        "fetched or sent. N* counts parameters. Figures are drawn by uPlot (MIT licence, in this "
        "file's source)."
    )


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
