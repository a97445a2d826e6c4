# Families on the same data: which of them reaches the target at less cost. Domains that `compare` with
# another are judged together with it, under its name.

from alphascale.plots.catalog import COMPARE_FIGURES


rule compare_domain:
    input:
        observations=compared("observations/{domain}.csv"),
        meta=compared("data/{domain}.json"),
        fits=compared("fit/{domain}.json"),
        bootstraps=compared("bootstrap/{domain}.json"),
    output:
        comparison=out("compare/{domain}.json"),
        figures=[
            report(
                out(f"figures/{{domain}}/{figure}.{kind}"),
                caption=f"../workflow/report/{figure}.rst",
                category="{domain}",
                labels={"figure": title, "format": kind},
            )
            for figure, title in COMPARE_FIGURES.items()
            for kind in ("svg", "png")
        ],
    log:
        out("logs/compare/{domain}.log"),
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("compare_domain", of_domain(slices.compare_slice)),
    message:
        "compare the families of {wildcards.domain}"
    shell:
        RUN


rule compare:
    input:
        comparisons=[out(f"compare/{domain}.json") for domain in COMPARED],
    output:
        table=report(
            out("compare.csv"),
            caption="../workflow/report/compare.rst",
            category="Summary",
            labels={"table": "Families compared: cost of the target"},
        ),
        text=out("compare.txt"),
    log:
        out("logs/compare.log"),
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("compare"),
    message:
        "write the comparisons of families"
    shell:
        RUN
