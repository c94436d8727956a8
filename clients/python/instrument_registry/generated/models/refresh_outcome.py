from enum import StrEnum


class RefreshOutcome(StrEnum):
    FAILED = "failed"
    NOT_CONFIGURED = "not_configured"
    OK = "ok"
    PARTIAL = "partial"

    def __str__(self) -> str:
        return str(self.value)
