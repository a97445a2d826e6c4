# What the model costs to keep, where the study has `serving`: measured with fresh weights, so that no
# training is waited for.

from alphascale.plots.catalog import SERVING_FIGURES

SERVE = f"{RUN} --threads={TRAIN_THREADS} " + words(
    f"--device={DEVICE}",
    f"--jobs-per-gpu={JOBS_PER_GPU}",
    f"--weights={json.dumps(locations())}",
)


rule serving_domain:
    input:
        data=ancient(out("data/{domain}.safetensors")),
        meta=out("data/{domain}.json"),
    output:
        serving=out("serving/{domain}.json"),
    log:
        out("logs/serving/{domain}.log"),
    conda:
        "../envs/training.yaml"
    # It computes with as many threads as a training, but takes every core, so that nothing else of
    # the workflow runs beside it: it would be timed as well.
    threads: 64 if LOCAL else 1
    resources:
        **TRAIN_RESOURCES,
    params:
        job=job("serving_domain", serving_spec, family),
    message:
        "measure what it takes to serve {wildcards.domain}"
    shell:
        SERVE


rule serving_figures:
    input:
        observations=out("observations/{domain}.csv"),
        fit=out("fit/{domain}.json"),
        bootstrap=out("bootstrap/{domain}.json"),
        decision=out("decision/{domain}.json"),
        serving=out("serving/{domain}.json"),
    output:
        figures=[
            report(
                out(f"figures/{{domain}}/{figure}.{kind}"),
                caption=f"../workflow/report/{figure}.rst",
                category="{domain}",
                labels={"figure": title, "format": kind},
            )
            for figure, title in SERVING_FIGURES.items()
            for kind in ("svg", "png")
        ],
    log:
        out("logs/serving_figures/{domain}.log"),
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("serving_figures"),
    message:
        "draw what it takes to serve {wildcards.domain}"
    shell:
        RUN
