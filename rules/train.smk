# One job trains all members (seeds × learning rates) of one (domain, scale, fraction).


rule train:
    input:
        data=out("data/{domain}.safetensors"),
        meta=out("data/{domain}.json"),
    output:
        out("train/{domain}/{scale}/{fraction}.json"),
    log:
        out("logs/train/{domain}/{scale}/{fraction}.log"),
    threads: 1
    resources:
        gpu=GPUS_PER_JOB,
        mem_mb=train_memory,
        runtime=train_minutes,
    params:
        spec=spec_of(slices.train_slice, "domain", "scale", "fraction"),
        code=code_digest("train.py"),
    message:
        "train {wildcards.domain} {wildcards.scale} on {wildcards.fraction} of the data"
    shell:
        "{PYTHON}/train.py --spec={params.spec:q} --code={params.code:q} --data={input.data:q} "
        "--meta={input.meta:q} --out={output:q} --checkpoints={CHECKPOINTS:q} "
        "--threads={threads} --jobs-per-gpu={JOBS_PER_GPU} --log={log:q} --faults={FAULTS:q}"


rule aggregate:
    input:
        records=records,
        verified=verified_records,
        meta=out("data/{domain}.json"),
    output:
        out("observations/{domain}.csv"),
    log:
        out("logs/aggregate/{domain}.log"),
    params:
        spec=expected_records,
        code=code_digest("aggregate.py"),
    message:
        "gather the records of {wildcards.domain}"
    shell:
        "{PYTHON}/aggregate.py --domain={wildcards.domain:q} --spec={params.spec:q} "
        "--records {input.records:q} {input.verified:q} --meta={input.meta:q} --out={output:q} --log={log:q} --faults={FAULTS:q}"


rule observations:
    input:
        per_domain("observations/{domain}.csv"),
    output:
        out("observations.csv"),
    log:
        out("logs/observations.log"),
    message:
        "join the observations of all domains"
    shell:
        "{PYTHON}/join.py --tables {input:q} --out={output:q} --log={log:q} --faults={FAULTS:q}"
