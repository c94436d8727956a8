from enum import StrEnum


class VerificationBasis(StrEnum):
    IDENTITIES = "identities"
    KEYS = "keys"

    def __str__(self) -> str:
        return str(self.value)
