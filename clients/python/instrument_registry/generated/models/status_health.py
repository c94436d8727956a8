from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.status_word import StatusWord

if TYPE_CHECKING:
    from ..models.status_problem import StatusProblem


T = TypeVar("T", bound="StatusHealth")


@_attrs_define
class StatusHealth:
    """The state of the service, and its problems.

    Attributes:
        problems (list[StatusProblem]): The problems, worst first.
        status (StatusWord): The state of the service.
        summary (str): The state in one sentence: that of the worst problem, if there is one.
    """

    problems: list[StatusProblem]
    status: StatusWord
    summary: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        problems = []
        for problems_item_data in self.problems:
            problems_item = problems_item_data.to_dict()
            problems.append(problems_item)

        status = self.status.value

        summary = self.summary

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "problems": problems,
                "status": status,
                "summary": summary,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.status_problem import StatusProblem

        d = dict(src_dict)
        problems = []
        _problems = d.pop("problems")
        for problems_item_data in _problems:
            problems_item = StatusProblem.from_dict(problems_item_data)

            problems.append(problems_item)

        status = StatusWord(d.pop("status"))

        summary = d.pop("summary")

        status_health = cls(
            problems=problems,
            status=status,
            summary=summary,
        )

        status_health.additional_properties = d
        return status_health

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
