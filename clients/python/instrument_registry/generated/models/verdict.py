from enum import StrEnum


class Verdict(StrEnum):
    EXPIRED = "expired"
    EXPIRY_MOVED = "expiry_moved"
    GONE = "gone"
    LOT_CHANGED = "lot_changed"
    RENAMED = "renamed"
    TICK_CHANGED = "tick_changed"
    TOKEN_CHANGED = "token_changed"
    TOKEN_REUSED = "token_reused"
    UNCHANGED = "unchanged"

    def __str__(self) -> str:
        return str(self.value)
