from enum import StrEnum


class PlacementStrategy(StrEnum):
    BALANCED = "balanced"
    SPREAD = "spread"
    TOGETHER = "together"

    def __str__(self) -> str:
        return str(self.value)
