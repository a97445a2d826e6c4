"""Training of all members (seeds × learning rates) of one job: `job.run` is the entrance."""
