from enum import StrEnum


class ImportStatus(StrEnum):
    CREATED = "created"
    DEACTIVATED = "deactivated"
    FAILED = "failed"

    def __str__(self) -> str:
        return str(self.value)
