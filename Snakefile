# alphascale: from a study in YAML to the smallest model that reaches the target.
#   snakemake --cores all                                     the study of config/config.yaml
#   snakemake --cores all --configfile config/paper.yaml      another study
#   snakemake --cores all -n                                  what would run, and why


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/train.smk"
include: "rules/fit.smk"
include: "rules/decide.smk"
include: "rules/audit.smk"
include: "rules/verify.smk"
include: "rules/plot.smk"
include: "rules/literature.smk"
include: "rules/curves.smk"
include: "rules/language.smk"


rule all:
    default_target: True
    input:
        final_outputs(),
        language_outputs(),


report: "workflow/report/study.rst"


onstart:
    forget_faults()


onsuccess:
    print_summary()
    print_language()
    left_checkpoints()


onerror:
    repeat_faults()
