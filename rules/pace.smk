# How long a training step of the naive model takes, which is never trained: some are taken, so that
# its price rests on no line through models far smaller.


rule pace_domain:
    input:
        data=ancient(out("data/{domain}.safetensors")),
        meta=out("data/{domain}.json"),
    output:
        pace=out("pace/{domain}.json"),
    log:
        out("logs/pace/{domain}.log"),
    conda:
        "../envs/training.yaml"
    threads: TRAIN_THREADS
    resources:
        **TRAIN_RESOURCES,
    params:
        job=job("pace_domain", pace_spec, family),
    message:
        "time the naive model of {wildcards.domain}"
    shell:
        SERVE
