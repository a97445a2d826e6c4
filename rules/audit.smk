# What a careful reader would ask of each domain's study, answered with figures.


rule audit:
    input:
        observations=out("observations/{domain}.csv"),
        fit=out("fit/{domain}.json"),
        decision=out("decision/{domain}.json"),
    output:
        out("audit/{domain}.json"),
    log:
        out("logs/audit/{domain}.log"),
    params:
        spec=spec_of(slices.audit_slice, "domain"),
        code=code_digest("audit.py"),
    message:
        "audit {wildcards.domain}"
    shell:
        "{PYTHON}/audit.py --spec={params.spec:q} --observations={input.observations:q} "
        "--fit={input.fit:q} --decision={input.decision:q} --out={output:q} --log={log:q} "
        "--faults={FAULTS:q}"


rule audit_summary:
    input:
        per_domain("audit/{domain}.json"),
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
    params:
        code=code_digest("audit_summary.py"),
    message:
        "draw the audit"
    shell:
        "{PYTHON}/audit_summary.py --audits {input:q} --checks={output.checks:q} "
        "--scales={output.scales:q} --figures {output.figures:q} --log={log:q} --faults={FAULTS:q}"
