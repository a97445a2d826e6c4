# Figures from records alone, captioned for `snakemake --report report.html`.

from alphascale.plots.catalog import FIGURES

CAPTIONS = "../workflow/report"


rule plot:
    input:
        observations=out("observations/{domain}.csv"),
        fit=out("fit/{domain}.json"),
        bootstrap=out("bootstrap/{domain}.json"),
        decision=out("decision/{domain}.json"),
    output:
        [
            report(
                out(f"figures/{{domain}}/{figure}.{kind}"),
                caption=f"{CAPTIONS}/{figure}.rst",
                category="{domain}",
                labels={"figure": title, "format": kind},
            )
            for figure, title in FIGURES.items()
            for kind in ("svg", "png")
        ],
    log:
        out("logs/plot/{domain}.log"),
    params:
        folder=out("figures/{domain}"),
        code=code_digest("plot.py"),
    message:
        "draw the figures of {wildcards.domain}"
    shell:
        "{PYTHON}/plot.py --observations={input.observations:q} --fit={input.fit:q} "
        "--bootstrap={input.bootstrap:q} --decision={input.decision:q} "
        "--folder={params.folder:q} --log={log:q} --faults={FAULTS:q}"


rule plot_summary:
    input:
        per_domain("decision/{domain}.json"),
    output:
        [
            report(
                out(f"figures/summary.{kind}"),
                caption=f"{CAPTIONS}/summary.rst",
                category="Summary",
                labels={"figure": "Summary of all domains", "format": kind},
            )
            for kind in ("svg", "png")
        ],
    log:
        out("logs/plot_summary.log"),
    params:
        code=code_digest("plot_summary.py"),
    message:
        "draw the summary table"
    shell:
        "{PYTHON}/plot_summary.py --decisions {input:q} --out {output:q} --log={log:q} --faults={FAULTS:q}"
