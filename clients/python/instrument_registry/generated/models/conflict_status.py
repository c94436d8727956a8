from enum import StrEnum


class ConflictStatus(StrEnum):
    FAILED = "failed"
    PENDING = "pending"
    RESOLVED = "resolved"

    def __str__(self) -> str:
        return str(self.value)
