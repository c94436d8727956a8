from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.severity import Severity

T = TypeVar("T", bound="StatusProblem")


@_attrs_define
class StatusProblem:
    """A problem, and what to do about it.

    Attributes:
        detail (str): The condition.
        remedy (str): The step to take now.
        runbook (None | str): The heading in the runbook, if it has one.
        severity (Severity): The severity of a problem.
        subject (str): The dependency, actor or other part that has the problem.
    """

    detail: str
    remedy: str
    runbook: None | str
    severity: Severity
    subject: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        detail = self.detail

        remedy = self.remedy

        runbook: None | str
        runbook = self.runbook

        severity = self.severity.value

        subject = self.subject

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "detail": detail,
                "remedy": remedy,
                "runbook": runbook,
                "severity": severity,
                "subject": subject,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        detail = d.pop("detail")

        remedy = d.pop("remedy")

        def _parse_runbook(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        runbook = _parse_runbook(d.pop("runbook"))

        severity = Severity(d.pop("severity"))

        subject = d.pop("subject")

        status_problem = cls(
            detail=detail,
            remedy=remedy,
            runbook=runbook,
            severity=severity,
            subject=subject,
        )

        status_problem.additional_properties = d
        return status_problem

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
