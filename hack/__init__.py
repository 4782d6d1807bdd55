"""Tools for the people who work on the project."""
