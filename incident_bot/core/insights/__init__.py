"""What the past says: times, weeks, who was paged when, which alerts are noise, what another rule would have done.

Pure: what happened is handed in.
"""

from incident_bot.core.insights.cases import Case, Times, Week, times, times_by, was_acted, weeks
from incident_bot.core.insights.figures import Spread, spread
from incident_bot.core.insights.noise import Burden, Fired, Noise, Paged, Sampled, burdens, noisiest
from incident_bot.core.insights.patch import Effect, Firing, proposed, rule_patch, simulated, told

__all__ = [
    "Burden",
    "Case",
    "Effect",
    "Fired",
    "Firing",
    "Noise",
    "Paged",
    "Sampled",
    "Spread",
    "Times",
    "Week",
    "burdens",
    "noisiest",
    "proposed",
    "rule_patch",
    "simulated",
    "spread",
    "times",
    "times_by",
    "told",
    "was_acted",
    "weeks",
]
