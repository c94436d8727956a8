from enum import StrEnum


class FileBroker(StrEnum):
    ALICEBLUE = "aliceblue"
    ANGEL = "angel"
    DHAN = "dhan"
    FYERS = "fyers"
    GROWW = "groww"
    KITE = "kite"
    NUVAMA = "nuvama"
    SHOONYA = "shoonya"
    UPSTOX = "upstox"

    def __str__(self) -> str:
        return str(self.value)
