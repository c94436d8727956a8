from enum import StrEnum


class OptimizationLevel(StrEnum):
    AGGRESSIVE = "aggressive"
    LOW = "low"
    MODERATE = "moderate"

    def __str__(self) -> str:
        return str(self.value)
