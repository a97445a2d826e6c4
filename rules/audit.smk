# What a careful reader would ask of each domain's study, answered with figures.


rule audit:
    input:
        observations=out("observations/{domain}.csv"),
        fit=out("fit/{domain}.json"),
        decision=out("decision/{domain}.json"),
    output:
        audit=out("audit/{domain}.json"),
    log:
        out("logs/audit/{domain}.log"),
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("audit", of_domain(slices.audit_slice)),
    message:
        "audit {wildcards.domain}"
    shell:
        RUN


rule audit_summary:
    input:
        audits=per_domain("audit/{domain}.json"),
    output:
        checks=report(
            out("audit.csv"),
            caption="../workflow/report/audit.rst",
            category="Summary",
            labels={"table": "Audit: ten checks per domain"},
        ),
        scales=report(
            out("scales.csv"),
            caption="../workflow/report/scales.rst",
            category="Summary",
            labels={"table": "Generalisation warning and best epoch per scale"},
        ),
        best_epochs=out("best_epochs.csv"),
        figures=[
            report(
                out(f"figures/audit.{kind}"),
                caption="../workflow/report/audit.rst",
                category="Summary",
                labels={"figure": "Audit of all domains", "format": kind},
            )
            for kind in ("svg", "png")
        ],
    log:
        out("logs/audit_summary.log"),
    conda:
        "../envs/analysis.yaml"
    params:
        job=job("audit_summary"),
    message:
        "draw the audit"
    shell:
        RUN
