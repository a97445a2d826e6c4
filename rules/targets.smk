# What one may ask for by name beside `all`: a stage of every domain, or all of one domain. Several
# names are made together: snakemake --cores all vision figures


rule fit:
    input:
        fits=per_domain("fit/{domain}.json"),
        bootstraps=per_domain("bootstrap/{domain}.json"),
    output:
        text=out("fit.txt"),
    log:
        out("logs/fit.log"),
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("fit"),
    message:
        "show the fits"
    shell:
        RUN


rule optimize:
    input:
        out("summary.csv"),
        out("summary.txt"),


rule figures:
    input:
        figures_of_all(),


rule summary_domain:
    input:
        decisions=[out("decision/{domain}.json")],
    output:
        table=out("summary/{domain}.csv"),
        text=out("summary/{domain}.txt"),
    log:
        out("logs/summary/{domain}.log"),
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("summary_domain"),
    message:
        "summarise {wildcards.domain}"
    shell:
        RUN


# A domain that has the name of a rule is asked for by its summary's path instead.
NAMED_DOMAINS = [
    domain
    for domain in STUDY.domains
    if domain not in {"all", *(each.name for each in workflow.rules)}
]

for domain in NAMED_DOMAINS:

    rule:
        name:
            domain
        input:
            domain_outputs(domain),
