# Language domains: perplexity laws, whether the families' exponents differ, their figures. Domains
# that `compare` with another are judged together with it, under its name.

from alphascale.plots.catalog import LANGUAGE_FIGURES


rule language_laws:
    input:
        observations=language_observations,
    output:
        laws=out("language/{domain}.json"),
        text=out("language/{domain}.txt"),
    log:
        out("logs/language/{domain}.log"),
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("language_laws", of_domain(slices.language_slice)),
    message:
        "fit the perplexity laws of {wildcards.domain}"
    shell:
        RUN


rule plot_language:
    input:
        laws=out("language/{domain}.json"),
    output:
        figures=[
            report(
                out(f"figures/{{domain}}/{figure}.{kind}"),
                caption=f"../workflow/report/{figure}.rst",
                category="{domain}",
                labels={"figure": title, "format": kind},
            )
            for figure, title in LANGUAGE_FIGURES.items()
            for kind in ("svg", "png")
        ],
    log:
        out("logs/plot_language/{domain}.log"),
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("plot_language"),
    message:
        "draw the language figures of {wildcards.domain}"
    shell:
        RUN
