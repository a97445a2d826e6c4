# `snakemake verify`: train what was recommended, and set measured beside predicted.
# Records and promises lie in verify/{domain}/, undeclared: Snakemake deletes what it declares
# before a job runs, and an architecture that was trained once is not trained again.


rule verify_domain:
    input:
        data=out("data/{domain}.safetensors"),
        meta=out("data/{domain}.json"),
        decision=out("decision/{domain}.json"),
    output:
        out("verify/{domain}.json"),
    log:
        out("logs/verify/{domain}.log"),
    threads: 1
    resources:
        gpu=GPUS_PER_JOB,
        mem_mb=train_memory,
        runtime=train_minutes,
    params:
        spec=spec_of(slices.verify_slice, "domain"),
        code=code_digest("verify.py"),
        trained_by=code_digest("train.py"),
        folder=out("verify/{domain}"),
    message:
        "verify what was recommended for {wildcards.domain}"
    shell:
        "{PYTHON}/verify.py --domain={wildcards.domain:q} --spec={params.spec:q} "
        "--decision={input.decision:q} --data={input.data:q} --meta={input.meta:q} "
        "--code={params.trained_by:q} --folder={params.folder:q} --checkpoints={CHECKPOINTS:q} "
        "--threads={threads} --jobs-per-gpu={JOBS_PER_GPU} --out={output:q} --log={log:q} --faults={FAULTS:q}"


rule verify:
    input:
        per_domain("verify/{domain}.json"),
    output:
        table=out("verify.csv"),
        text=out("verify.txt"),
    log:
        out("logs/verify.log"),
    params:
        code=code_digest("verify_summary.py"),
    message:
        "set measured beside predicted"
    shell:
        "{PYTHON}/verify_summary.py --reports {input:q} --table={output.table:q} "
        "--text={output.text:q} --log={log:q} --faults={FAULTS:q}"
