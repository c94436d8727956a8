from enum import StrEnum


class IncludeWord(StrEnum):
    SUBSCRIPTIONS = "subscriptions"

    def __str__(self) -> str:
        return str(self.value)
