# N*, its architecture, its price and what it saves.


rule optimize_domain:
    input:
        observations=out("observations/{domain}.csv"),
        meta=out("data/{domain}.json"),
        fit=out("fit/{domain}.json"),
        bootstrap=out("bootstrap/{domain}.json"),
        serving=serving_record,
        pace=pace_record,
    output:
        decision=out("decision/{domain}.json"),
    log:
        out("logs/optimize/{domain}.log"),
    conda:
        "../envs/training.yaml"
    params:
        job=job("optimize_domain", of_domain(slices.decision_slice)),
    message:
        "optimize {wildcards.domain}"
    shell:
        RUN


rule summary:
    input:
        decisions=per_domain("decision/{domain}.json"),
    output:
        table=report(
            out("summary.csv"),
            caption="../workflow/report/summary.rst",
            category="Summary",
            labels={"table": "N*, cost and saving per domain"},
        ),
        text=report(
            out("summary.txt"),
            caption="../workflow/report/summary.rst",
            category="Summary",
            labels={"table": "N*, fit, cost and saving in words"},
        ),
    log:
        out("logs/summary.log"),
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("summary"),
    message:
        "summarise the study"
    shell:
        RUN
