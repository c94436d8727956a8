from enum import StrEnum


class Broker(StrEnum):
    ALICEBLUE = "aliceblue"
    ANGEL = "angel"
    BREEZE = "breeze"
    DHAN = "dhan"
    FIVEPAISA = "fivepaisa"
    FYERS = "fyers"
    GROWW = "groww"
    KITE = "kite"
    KOTAK = "kotak"
    NUVAMA = "nuvama"
    SHOONYA = "shoonya"
    UPSTOX = "upstox"

    def __str__(self) -> str:
        return str(self.value)
