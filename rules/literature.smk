# The published laws by themselves: `snakemake literature` needs no study and no training.

LITERATURE = os.path.join(os.path.dirname(RESULTS), "literature")
LITERATURE_TABLES = [
    "laws",
    "allocations",
    "comparison",
    "strategies",
    "critical_batch",
]
LITERATURE_FIGURES = [
    "loss_over_params",
    "loss_over_tokens",
    "training_curves",
    "frontier",
]


rule literature:
    output:
        tables=[f"{LITERATURE}/{name}.csv" for name in LITERATURE_TABLES],
        figures=[
            f"{LITERATURE}/{name}.{kind}"
            for name in LITERATURE_FIGURES
            for kind in ("png", "svg")
        ],
    log:
        f"{LITERATURE}/literature.log",
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("literature"),
    message:
        "write the tables and figures of the published laws"
    shell:
        RUN
