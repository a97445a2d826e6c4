# The what-if page: one file that decides again at whatever target and price it is asked.


rule page:
    input:
        observations=per_domain("observations/{domain}.csv"),
        metas=per_domain("data/{domain}.json"),
        fits=per_domain("fit/{domain}.json"),
        bootstraps=per_domain("bootstrap/{domain}.json"),
        decisions=per_domain("decision/{domain}.json"),
        audits=per_domain("audit/{domain}.json"),
        records=curve_records(),
    output:
        page=report(
            out("study.html"),
            caption="../workflow/report/page.rst",
            category="Summary",
            labels={"page": "What if: targets, prices, costs by sliders"},
        ),
        # What `snakemake --report` opens on.
        answer=out("report.rst"),
    log:
        out("logs/page.log"),
    conda:
        "../envs/training.yaml"
    params:
        job=job("page", page_spec),
    message:
        "write the page"
    shell:
        RUN
