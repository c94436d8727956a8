from enum import StrEnum


class ChangeKind(StrEnum):
    ADDED = "added"
    EXPIRY_MOVED = "expiry_moved"
    LOT_CHANGED = "lot_changed"
    REMOVED = "removed"
    RENAMED = "renamed"
    SERIES_CHANGED = "series_changed"
    TICK_CHANGED = "tick_changed"
    TOKEN_CHANGED = "token_changed"
    TOKEN_REUSED = "token_reused"

    def __str__(self) -> str:
        return str(self.value)
