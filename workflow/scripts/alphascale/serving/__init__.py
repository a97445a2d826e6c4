"""What a model costs to keep: latency, memory and energy of a request, against its size."""
