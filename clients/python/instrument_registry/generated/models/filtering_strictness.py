from enum import StrEnum


class FilteringStrictness(StrEnum):
    LENIENT = "lenient"
    MODERATE = "moderate"
    STRICT = "strict"

    def __str__(self) -> str:
        return str(self.value)
