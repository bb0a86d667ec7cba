"""Properties without a deadline: how long an example takes on a busy machine says nothing of the code."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "suite",
    settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")
