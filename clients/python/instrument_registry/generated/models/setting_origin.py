from enum import StrEnum


class SettingOrigin(StrEnum):
    CONFIG_SERVICE = "config_service"
    DEFAULT = "default"
    ENVIRONMENT = "environment"
    LAST_GOOD = "last_good"

    def __str__(self) -> str:
        return str(self.value)
