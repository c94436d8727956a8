from enum import StrEnum


class ChangeStatus(StrEnum):
    ACTIVATED = "activated"
    CREATED = "created"
    DEACTIVATED = "deactivated"
    RESTORED = "restored"
    UPDATED = "updated"

    def __str__(self) -> str:
        return str(self.value)
