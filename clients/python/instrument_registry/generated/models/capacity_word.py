from enum import StrEnum


class CapacityWord(StrEnum):
    WHOLE = "whole"

    def __str__(self) -> str:
        return str(self.value)
