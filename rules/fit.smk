# Laws from observations, and how sure they are.


rule fit_domain:
    input:
        observations=out("observations/{domain}.csv"),
    output:
        fit=out("fit/{domain}.json"),
    log:
        out("logs/fit/{domain}.log"),
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("fit_domain", of_domain(slices.fit_slice)),
    message:
        "fit the law of {wildcards.domain}"
    shell:
        RUN


rule bootstrap:
    input:
        observations=out("observations/{domain}.csv"),
        fit=out("fit/{domain}.json"),
    output:
        bootstrap=out("bootstrap/{domain}.json"),
    log:
        out("logs/bootstrap/{domain}.log"),
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("bootstrap", of_domain(slices.bootstrap_slice)),
    message:
        "bootstrap the law of {wildcards.domain}"
    shell:
        RUN
