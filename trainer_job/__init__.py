"""The pipeline container: episodes in, a judged and registered failure model out."""

__version__ = "0.1.0"
