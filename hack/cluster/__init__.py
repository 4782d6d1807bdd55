"""A real Kubernetes cluster on this machine: kind, or a single node without any Docker engine."""
