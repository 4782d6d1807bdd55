"""The whole path on a real cluster: the demo, and what the end-to-end tests share with it."""
