"""Fit the law of learning rates of a domain from the sweeps of its smallest sizes."""

from alphascale.auditing.gather import whole_records
from alphascale.fitting.rates import rate_law, rates_text
from alphascale.records.specs import RatesSpec
from alphascale.records.typed import spec_of, write
from alphascale.running import program


def main(job):
    spec = spec_of(job, RatesSpec)
    records = whole_records(job.input.records, spec.records, spec.code, job.input.meta, job.say)
    law = rate_law(spec, records)
    job.say(rates_text(law))
    write(job.output.rates, law)


program.run(main)
