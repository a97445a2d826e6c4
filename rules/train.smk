# One job trains all members (seeds × learning rates) of one (domain, scale, fraction).


# The tensors lie beside their description, which holds their SHA-256. They are no input: of 10,000
# jobs each input takes 10 MB and half a second of a dry run, and Snakemake would read the file again
# after every job. Where they are gone, `aggregate` asks for them.
rule train:
    input:
        **TRAIN_RATES,
        **TRAIN_BEFORE,
        meta=out("data/{domain}.json"),
    output:
        record=update(out("train/{domain}/{scale}/{fraction}.json")),
    log:
        out("logs/train/{domain}/{scale}/{fraction}.log"),
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        **TRAIN_RESOURCES,
    params:
        job=job("train", training, family, training_cell, training_beside),
    message:
        "train {wildcards.domain} {wildcards.scale} on {wildcards.fraction} of the data"
    shell:
        TRAIN


# Of domains with `training.rates: law`: from the sweeps of the smallest sizes to every other's rate.
rule rates_domain:
    input:
        records=swept_records,
        meta=out("data/{domain}.json"),
    output:
        rates=out("rates/{domain}.json"),
    log:
        out("logs/rates/{domain}.log"),
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("rates_domain", rates_spec),
    message:
        "fit the learning rates of {wildcards.domain}"
    shell:
        RUN


rule aggregate:
    input:
        **DOMAIN_RATES,
        records=records,
        verified=verified_records,
        meta=out("data/{domain}.json"),
        data=ancient(out("data/{domain}.safetensors")),
    output:
        observations=out("observations/{domain}.csv"),
    log:
        out("logs/aggregate/{domain}.log"),
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("aggregate", expected_records),
    message:
        "gather the records of {wildcards.domain}"
    shell:
        RUN


rule observations:
    input:
        tables=per_domain("observations/{domain}.csv"),
    output:
        table=out("observations.csv"),
    log:
        out("logs/observations.log"),
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("observations"),
    message:
        "join the observations of all domains"
    shell:
        RUN
