# `snakemake plan`: the next runs, for a budget of FLOPs. `--config plan=apply` trains them.


rule plan_domain:
    input:
        observations=out("observations/{domain}.csv"),
        meta=out("data/{domain}.json"),
        fit=out("fit/{domain}.json"),
        decision=out("decision/{domain}.json"),
    output:
        plan=out("plan/{domain}.json"),
    log:
        out("logs/plan/{domain}.log"),
    conda:
        "../envs/training.yaml"
    params:
        job=job("plan_domain", plan_spec),
    message:
        "plan the next runs of {wildcards.domain}"
    shell:
        RUN


# The fragment lies in plan.yaml, undeclared: Snakemake deletes what it declares before a job runs,
# and `plan: apply` reads it whenever the Snakefile is parsed, by a cluster's job too.
rule plan:
    input:
        plans=per_domain("plan/{domain}.json"),
    output:
        text=out("plan.txt"),
    log:
        out("logs/plan.log"),
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("plan"),
    message:
        "write the plan"
    shell:
        PLAN
