# Laws from observations, and how sure they are.


rule fit:
    input:
        out("observations/{domain}.csv"),
    output:
        out("fit/{domain}.json"),
    log:
        out("logs/fit/{domain}.log"),
    params:
        spec=spec_of(slices.fit_slice, "domain"),
        code=code_digest("fit.py"),
    message:
        "fit the law of {wildcards.domain}"
    shell:
        "{PYTHON}/fit.py --domain={wildcards.domain:q} --spec={params.spec:q} "
        "--observations={input:q} --out={output:q} --log={log:q} --faults={FAULTS:q}"


rule bootstrap:
    input:
        observations=out("observations/{domain}.csv"),
        fit=out("fit/{domain}.json"),
    output:
        out("bootstrap/{domain}.json"),
    log:
        out("logs/bootstrap/{domain}.log"),
    params:
        spec=spec_of(slices.bootstrap_slice, "domain"),
        code=code_digest("bootstrap.py"),
    message:
        "bootstrap the law of {wildcards.domain}"
    shell:
        "{PYTHON}/bootstrap.py --domain={wildcards.domain:q} --spec={params.spec:q} "
        "--observations={input.observations:q} --fit={input.fit:q} --out={output:q} --log={log:q} --faults={FAULTS:q}"
