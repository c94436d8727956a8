from enum import StrEnum


class ChangedField(StrEnum):
    BROKER_TOKEN = "broker_token"
    EXPIRY = "expiry"
    KEY = "key"
    LOT_SIZE = "lot_size"
    TICK_SIZE = "tick_size"
    TOKEN_OWNER = "token_owner"

    def __str__(self) -> str:
        return str(self.value)
