"""What others published: constants of their laws, and the 92 learning curves of a benchmark."""
