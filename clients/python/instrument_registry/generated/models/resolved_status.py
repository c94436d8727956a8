from enum import StrEnum


class ResolvedStatus(StrEnum):
    FAILED = "failed"
    RESOLVED = "resolved"

    def __str__(self) -> str:
        return str(self.value)
