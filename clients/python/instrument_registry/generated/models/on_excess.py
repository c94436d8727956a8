from enum import StrEnum


class OnExcess(StrEnum):
    CLOSES_BOTH = "closes_both"
    CLOSES_OLDEST = "closes_oldest"
    REFUSE = "refuse"

    def __str__(self) -> str:
        return str(self.value)
