from enum import StrEnum


class MatchKind(StrEnum):
    ALL = "all"
    EXACT = "exact"
    NEAR = "near"
    PART = "part"
    PREFIX = "prefix"
    UNDERLYING = "underlying"
    WORD = "word"
    WORDS = "words"

    def __str__(self) -> str:
        return str(self.value)
