"""What every job shares: arguments, signals, devices, requests to a cluster, progress."""
