"""Names of what a run keeps in MLflow for people, and for the commands that read it."""

REPORT = "report.html"
"""The report, in one file."""

PLOTS = "plots"
"""Folder of the report's pictures."""

PROFILES = "cluster_profiles.json"
""":func:`trainer_job.report.profiles`; predictors in the field look for it by this name."""

EPISODES = "episodes.csv"
"""Mode of each episode of the training."""
