# Language domains: perplexity laws, whether the families' exponents differ, their figures. Domains
# that `compare` with another are judged together with it, under its name.

from alphascale.plots.catalog import LANGUAGE_FIGURES


rule language:
    input:
        language_observations,
    output:
        laws=out("language/{domain}.json"),
        text=out("language/{domain}.txt"),
    log:
        out("logs/language/{domain}.log"),
    params:
        spec=spec_of(slices.language_slice, "domain"),
        code=code_digest("language.py"),
    message:
        "fit the perplexity laws of {wildcards.domain}"
    shell:
        "{PYTHON}/language.py --spec={params.spec:q} --observations {input:q} "
        "--out={output.laws:q} --text={output.text:q} --log={log:q} --faults={FAULTS:q}"


rule plot_language:
    input:
        out("language/{domain}.json"),
    output:
        [
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
    params:
        folder=out("figures/{domain}"),
        code=code_digest("plot_language.py"),
    message:
        "draw the language figures of {wildcards.domain}"
    shell:
        "{PYTHON}/plot_language.py --laws={input:q} --folder={params.folder:q} --log={log:q} "
        "--faults={FAULTS:q}"
