"""Manifests: pure builders of what the operator creates and patches."""
