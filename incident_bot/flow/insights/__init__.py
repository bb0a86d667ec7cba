"""What the past says, read for whoever asks: private incidents count only for those who see them."""

from incident_bot.flow.insights.asking import SPAN, Asked, asked
from incident_bot.flow.insights.reading import gather
from incident_bot.flow.insights.tables import TABLES, as_csv
from incident_bot.flow.insights.views import InsightsView, charted, insights

__all__ = ["SPAN", "TABLES", "Asked", "InsightsView", "as_csv", "asked", "charted", "gather", "insights"]
