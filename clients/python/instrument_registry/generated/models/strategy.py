from enum import StrEnum


class Strategy(StrEnum):
    FAIL_ON_CONFLICT = "fail_on_conflict"
    LATEST_WINS = "latest_wins"
    MERGE = "merge"

    def __str__(self) -> str:
        return str(self.value)
