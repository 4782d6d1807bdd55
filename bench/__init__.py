"""Benchmarks: `make bench-pipeline`, `make bench-job` and `make bench-quality`."""
