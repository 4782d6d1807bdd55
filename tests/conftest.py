"""What all tests share."""

from hypothesis import HealthCheck, settings

# No test judges how fast the machine is: one that is busy would fail it.
settings.register_profile("any-speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-speed")
