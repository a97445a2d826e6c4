# Sources become one tensor file per domain, once.


rule prepare:
    input:
        data_files,
    output:
        data=out("data/{domain}.safetensors"),
        meta=out("data/{domain}.json"),
    log:
        out("logs/prepare/{domain}.log"),
    # Data and checks go first: what is wrong with them is said before anything trains.
    priority: 100
    params:
        spec=spec_of(slices.data_slice, "domain"),
        code=code_digest("prepare.py"),
        state=data_state,
    message:
        "prepare the data of {wildcards.domain}"
    shell:
        "{PYTHON}/prepare.py --domain={wildcards.domain:q} --spec={params.spec:q} "
        "--out={output.data:q} --meta={output.meta:q} --log={log:q} --faults={FAULTS:q}"


# One check a fraction, not one a study: a job upstream of all training, even through `ancient`,
# makes Snakemake skip the other reasons that a training job may have to run.
rule check:
    input:
        out("data/{domain}.json"),
    output:
        out("data/checked/{domain}/{fraction}.txt"),
    log:
        out("logs/check/{domain}/{fraction}.log"),
    priority: 100
    params:
        code=code_digest("check.py"),
    message:
        "check that {wildcards.fraction} of {wildcards.domain} holds every class"
    shell:
        "{PYTHON}/check.py --domain={wildcards.domain:q} --fraction={wildcards.fraction:q} "
        "--meta={input:q} --out={output:q} --log={log:q} --faults={FAULTS:q}"
