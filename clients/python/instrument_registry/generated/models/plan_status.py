from enum import StrEnum


class PlanStatus(StrEnum):
    DRAFT = "draft"
    ERROR = "error"
    OPTIMIZED = "optimized"
    VALIDATED = "validated"

    def __str__(self) -> str:
        return str(self.value)
