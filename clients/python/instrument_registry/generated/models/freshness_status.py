from enum import StrEnum


class FreshnessStatus(StrEnum):
    CURRENT = "current"
    DEMONSTRATION = "demonstration"
    EMPTY = "empty"
    STALE = "stale"
    UNKNOWN = "unknown"

    def __str__(self) -> str:
        return str(self.value)
