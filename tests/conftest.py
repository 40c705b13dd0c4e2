"""Settings that every suite shares."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# The same examples everywhere: a failure on one machine is a failure on all.
settings.register_profile(
    "trialsim", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60
)
settings.load_profile("trialsim")
