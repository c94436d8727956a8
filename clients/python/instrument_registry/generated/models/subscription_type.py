from enum import StrEnum


class SubscriptionType(StrEnum):
    ALERTS = "alerts"
    HISTORICAL = "historical"
    LIVE_FEED = "live_feed"

    def __str__(self) -> str:
        return str(self.value)
