"""The controller of TrainingRuns: cluster rights, no data credentials."""
