# Laws judged on 92 published learning curves: `snakemake curves_benchmark` needs no training.

CURVES = os.path.join(os.path.dirname(RESULTS), "curves")


rule curves_benchmark:
    output:
        tables=[
            f"{CURVES}/{name}" for name in ("tasks.csv", "summary.csv", "summary.md")
        ],
        figures=[
            f"{CURVES}/{name}.{kind}"
            for name in ("errors", "examples", "coverage")
            for kind in ("png", "svg")
        ],
    log:
        f"{CURVES}/benchmark.log",
    conda:
        "../envs/training.yaml"
    params:
        job=job("curves_benchmark", benchmark_spec),
    message:
        "judge the laws on the benchmark of learning curves"
    shell:
        RUN
