# Laws judged on 92 published learning curves: `snakemake curves_benchmark` needs no training.

CURVES = "results/curves"


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
    params:
        spec=slices.canonical(STUDY.curves_benchmark.model_dump()),
        code=code_digest("curves_benchmark.py"),
    message:
        "judge the laws on the benchmark of learning curves"
    shell:
        "{PYTHON}/curves_benchmark.py --spec={params.spec:q} --out={CURVES:q} --log={log:q} "
        "--faults={FAULTS:q}"
