from enum import StrEnum


class StatusWord(StrEnum):
    DEGRADED = "degraded"
    NOT_READY = "not_ready"
    OK = "ok"

    def __str__(self) -> str:
        return str(self.value)
