from enum import StrEnum


class ExplanationBasis(StrEnum):
    RECOMPUTED = "recomputed"
    STORED = "stored"

    def __str__(self) -> str:
        return str(self.value)
