# The published laws by themselves: `snakemake literature` needs no study and no training.

LITERATURE = os.path.join(os.path.dirname(RESULTS), "literature")
LITERATURE_TABLES = [
    "laws",
    "allocations",
    "comparison",
    "strategies",
    "critical_batch",
    "measured",
]
LITERATURE_TEXTS = ["calculator", "allocation", "training_strategies"]
LITERATURE_FIGURES = [
    "loss_over_params",
    "loss_over_tokens",
    "training_curves",
    "frontier",
    "plane",
    "measured",
]


rule literature:
    output:
        tables=[f"{LITERATURE}/{name}.csv" for name in LITERATURE_TABLES],
        texts=[
            report(
                f"{LITERATURE}/{name}.txt",
                caption="../workflow/report/literature.rst",
                category="Published laws",
                labels={"text": name},
            )
            for name in LITERATURE_TEXTS
        ],
        page=report(
            f"{LITERATURE}/summary.html",
            caption="../workflow/report/literature.rst",
            category="Published laws",
            labels={"page": "Figures and texts"},
        ),
        figures=[
            report(
                f"{LITERATURE}/{name}.{kind}",
                caption="../workflow/report/literature.rst",
                category="Published laws",
                labels={"figure": name, "format": kind},
            )
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
        "write the tables, texts and figures of the published laws"
    shell:
        RUN
