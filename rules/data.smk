# Sources become one tensor file per domain, once.


rule prepare:
    input:
        files=data_files,
    output:
        data=out("data/{domain}.safetensors"),
        meta=out("data/{domain}.json"),
    log:
        out("logs/prepare/{domain}.log"),
    # Data go first and take every core (64 is scaled down to what there is): what is wrong with
    # them is said, and the workflow ended, before anything trains. A job upstream of all training
    # would do it too, but Snakemake 9.27 then skips the other reasons that a training job may have
    # to run, even through `ancient`.
    priority: 100
    conda:
        "../envs/training.yaml"
    threads: 64
    params:
        job=job("prepare", of_domain(slices.data_slice), source),
        state=data_state,
    message:
        "prepare the data of {wildcards.domain}"
    shell:
        PREPARE
