from enum import StrEnum


class CheckStatus(StrEnum):
    DEGRADED = "degraded"
    NOT_CONFIGURED = "not_configured"
    OK = "ok"
    UNAVAILABLE = "unavailable"

    def __str__(self) -> str:
        return str(self.value)
