from enum import StrEnum


class Action(StrEnum):
    ACTIVATE = "activate"
    CREATE = "create"
    DEACTIVATE = "deactivate"
    RESOLVE_CONFLICT = "resolve_conflict"
    RESTORE = "restore"
    UPDATE = "update"

    def __str__(self) -> str:
        return str(self.value)
