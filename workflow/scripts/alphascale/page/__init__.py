"""The what-if page: a study as one file of HTML that decides again at whatever is asked."""
