# N*, its architecture, its price and what it saves.


rule optimize:
    input:
        observations=out("observations/{domain}.csv"),
        meta=out("data/{domain}.json"),
        fit=out("fit/{domain}.json"),
        bootstrap=out("bootstrap/{domain}.json"),
    output:
        out("decision/{domain}.json"),
    log:
        out("logs/optimize/{domain}.log"),
    params:
        spec=spec_of(slices.decision_slice, "domain"),
        code=code_digest("optimize.py"),
    message:
        "optimize {wildcards.domain}"
    shell:
        "{PYTHON}/optimize.py --spec={params.spec:q} --observations={input.observations:q} "
        "--meta={input.meta:q} --fit={input.fit:q} --bootstrap={input.bootstrap:q} "
        "--out={output:q} --log={log:q} --faults={FAULTS:q}"


rule summary:
    input:
        per_domain("decision/{domain}.json"),
    output:
        table=report(
            out("summary.csv"),
            caption="../workflow/report/summary.rst",
            category="Summary",
            labels={"table": "N*, cost and saving per domain"},
        ),
        text=out("summary.txt"),
    log:
        out("logs/summary.log"),
    params:
        code=code_digest("summarise.py"),
    message:
        "summarise the study"
    shell:
        "{PYTHON}/summarise.py --decisions {input:q} --table={output.table:q} "
        "--text={output.text:q} --log={log:q} --faults={FAULTS:q}"
