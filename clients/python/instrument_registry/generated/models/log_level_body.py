from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="LogLevelBody")


@_attrs_define
class LogLevelBody:
    """A request to change the log.

    Attributes:
        level (str): A level (`error`, `warn`, `info`, `debug` or `trace`), or a filter such as
            `info,registry_actors=debug`.
    """

    level: str

    def to_dict(self) -> dict[str, Any]:
        level = self.level

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "level": level,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        level = d.pop("level")

        log_level_body = cls(
            level=level,
        )

        return log_level_body
