# alphascale: from a study in YAML to the smallest model that reaches the target.
#   snakemake --cores all                                     the study of config/config.yaml
#   snakemake --cores all --configfile config/paper.yaml      another study
#   snakemake --cores all -n                                  what would run, and why
#   snakemake --cores all vision figures                      one domain; a stage of all


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/train.smk"
include: "rules/serving.smk"
include: "rules/pace.smk"
include: "rules/fit.smk"
include: "rules/optimize.smk"
include: "rules/audit.smk"
include: "rules/regimes.smk"
include: "rules/verify.smk"
include: "rules/plan.smk"
include: "rules/plot.smk"
include: "rules/literature.smk"
include: "rules/curves.smk"
include: "rules/language.smk"
include: "rules/compare.smk"
include: "rules/page.smk"
include: "rules/rounds.smk"
include: "rules/targets.smk"


# Every digest of code is made: what it took is given back before the jobs need the memory.
forget()


# Where jobs are submitted, these run on the submitting machine all the same: each takes less than the
# 4.5 s that a SLURM job costs however small, whatever the size of the data (the most in the default
# study: optimize 4.8 s, plot 4.0 s, fit 2.6 s). Submitted are prepare, which grows with the data, bootstrap
# and language, which grow with the resamples, and all training.
localrules:
    rates_domain,
    aggregate,
    observations,
    fit_domain,
    fit,
    optimize_domain,
    optimize,
    figures,
    summary,
    summary_domain,
    audit,
    audit_summary,
    regimes_domain,
    regimes,
    compare_domain,
    compare,
    plot,
    plot_summary,
    page,
    round,
    serving_figures,
    plot_language,
    verify,
    literature,


rule all:
    default_target: True
    input:
        all_outputs(),


report: first_page()


onstart:
    begin()


onsuccess:
    if not go_on():
        print_results()
        left_checkpoints()


onerror:
    trainings_left()
    repeat_faults()
