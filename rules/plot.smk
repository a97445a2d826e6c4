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
        figures=[
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
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("plot"),
    message:
        "draw the figures of {wildcards.domain}"
    shell:
        RUN


rule plot_summary:
    input:
        decisions=per_domain("decision/{domain}.json"),
    output:
        figures=[
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
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("plot_summary"),
    message:
        "draw the summary table"
    shell:
        RUN
