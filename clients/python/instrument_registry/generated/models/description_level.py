from enum import StrEnum


class DescriptionLevel(StrEnum):
    BASIC = "basic"
    COMPREHENSIVE = "comprehensive"
    DETAILED = "detailed"

    def __str__(self) -> str:
        return str(self.value)
