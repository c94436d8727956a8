from enum import StrEnum


class Decision(StrEnum):
    KEPT = "kept"
    LEFT_OUT = "left_out"

    def __str__(self) -> str:
        return str(self.value)
