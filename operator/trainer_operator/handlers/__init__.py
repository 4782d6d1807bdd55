"""kopf's decorators: each handler parses, calls and returns."""

import kopf

from trainer_operator.handlers import startup, watch

__all__ = ["registry", "startup", "watch"]


def registry() -> kopf.OperatorRegistry:
    """Return the registry that the decorators above have filled."""
    return kopf.get_default_registry()
