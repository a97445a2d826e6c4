# `snakemake plan`: the next runs, for a budget of FLOPs. `--config plan=apply` trains them.


rule plan_domain:
    input:
        observations=out("observations/{domain}.csv"),
        meta=out("data/{domain}.json"),
        fit=out("fit/{domain}.json"),
    output:
        out("plan/{domain}.json"),
    log:
        out("logs/plan/{domain}.log"),
    params:
        spec=plan_spec,
        code=code_digest("plan.py"),
    message:
        "plan the next runs of {wildcards.domain}"
    shell:
        "{PYTHON}/plan.py --spec={params.spec:q} --observations={input.observations:q} "
        "--meta={input.meta:q} --fit={input.fit:q} --out={output:q} --log={log:q} "
        "--faults={FAULTS:q}"


# The fragment lies in plan.yaml, undeclared: Snakemake deletes what it declares before a job runs,
# and `plan: apply` reads it whenever the Snakefile is parsed, by a cluster's job too.
rule plan:
    input:
        per_domain("plan/{domain}.json"),
    output:
        out("plan.txt"),
    log:
        out("logs/plan.log"),
    params:
        code=code_digest("plan_summary.py"),
        fragment=out("plan.yaml"),
    message:
        "write the plan"
    shell:
        "{PYTHON}/plan_summary.py --plans {input:q} --fragment={params.fragment:q} "
        "--text={output:q} --log={log:q} --faults={FAULTS:q}"
