# `snakemake verify`: train what was recommended, and set measured beside predicted.
# Records and promises lie in verify/{domain}/, undeclared: Snakemake deletes what it declares
# before a job runs, and an architecture that was trained once is not trained again.


rule verify_domain:
    input:
        **DOMAIN_RATES,
        data=ancient(out("data/{domain}.safetensors")),
        meta=out("data/{domain}.json"),
        decision=out("decision/{domain}.json"),
    output:
        report=out("verify/{domain}.json"),
    log:
        out("logs/verify/{domain}.log"),
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        **TRAIN_RESOURCES,
    params:
        job=job("verify_domain", of_domain(slices.verify_slice)),
        trained_by=verified_by,
    message:
        "verify what was recommended for {wildcards.domain}"
    shell:
        TRAIN + " --trained-by={params.trained_by}"


rule verify:
    input:
        reports=per_domain("verify/{domain}.json"),
        # Printed last: it should be that of the decisions verified.
        summary=out("summary.txt"),
    output:
        table=out("verify.csv"),
        text=out("verify.txt"),
    log:
        out("logs/verify.log"),
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("verify"),
    message:
        "set measured beside predicted"
    shell:
        RUN
