# What limits each domain's loss along each axis, variance or resolution, and its law in compute.

from alphascale.plots.catalog import REGIME_FIGURES


rule regimes_domain:
    input:
        observations=out("observations/{domain}.csv"),
    output:
        regimes=out("regimes/{domain}.json"),
        figures=[
            report(
                out(f"figures/{{domain}}/{figure}.{kind}"),
                caption=f"../workflow/report/{figure}.rst",
                category="{domain}",
                labels={"figure": title, "format": kind},
            )
            for figure, title in REGIME_FIGURES.items()
            for kind in ("svg", "png")
        ],
    log:
        out("logs/regimes/{domain}.log"),
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("regimes_domain", of_domain(slices.regimes_slice)),
    message:
        "judge the regimes of {wildcards.domain}"
    shell:
        RUN


rule regimes:
    input:
        regimes=per_domain("regimes/{domain}.json"),
    output:
        table=report(
            out("regimes.csv"),
            caption="../workflow/report/regimes.rst",
            category="Summary",
            labels={"table": "Regimes: what limits each domain"},
        ),
        text=out("regimes.txt"),
    log:
        out("logs/regimes.log"),
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("regimes"),
    message:
        "write the regimes of all domains"
    shell:
        RUN
