"""How many episodes make a failure mode."""

import math


def size_floor(episodes: int) -> int:
    """Return the least number of episodes that a failure mode has: 3, or 2 % where that is more."""
    return max(3, math.ceil(episodes / 50))
