# A study by rounds (`study`): what is known after a round, and what the next trains. What it says is
# taken up when Snakemake starts again, which it does by itself: `go_on` in common.smk.


rule round:
    input:
        observations=by_name("observations/{domain}.csv"),
        metas=by_name("data/{domain}.json"),
        bootstraps=by_name("bootstrap/{domain}.json"),
        decisions=by_name("decision/{domain}.json"),
    output:
        round=out("round.json"),
        text=out("round.txt"),
    log:
        out("logs/round.log"),
    conda:
        "../envs/training.yaml"
    params:
        job=job("round", round_slice),
    message:
        "plan the next round"
    shell:
        RUN
