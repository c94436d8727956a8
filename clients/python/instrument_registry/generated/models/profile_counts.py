from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.profile_counts_profiles_by_type import ProfileCountsProfilesByType


T = TypeVar("T", bound="ProfileCounts")


@_attrs_define
class ProfileCounts:
    """The numbers of profiles, conflicts and audit log entries.

    Attributes:
        active_profiles (int): The number of profiles that are active and not expired.
        last_cleanup (datetime.datetime | None): The time when old audit log entries were last deleted. Null if they
            never were.
        pending_conflicts (int): The number of pending conflicts.
        profiles_by_type (ProfileCountsProfilesByType): The number of profiles by subscription type, active or not.
        total_audit_logs (int): The number of audit log entries.
        total_conflicts (int): The number of conflicts in any status.
        total_profiles (int): The number of profiles, active or not.
    """

    active_profiles: int
    last_cleanup: datetime.datetime | None
    pending_conflicts: int
    profiles_by_type: ProfileCountsProfilesByType
    total_audit_logs: int
    total_conflicts: int
    total_profiles: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        active_profiles = self.active_profiles

        last_cleanup: None | str
        if isinstance(self.last_cleanup, datetime.datetime):
            last_cleanup = self.last_cleanup.isoformat()
        else:
            last_cleanup = self.last_cleanup

        pending_conflicts = self.pending_conflicts

        profiles_by_type = self.profiles_by_type.to_dict()

        total_audit_logs = self.total_audit_logs

        total_conflicts = self.total_conflicts

        total_profiles = self.total_profiles

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "active_profiles": active_profiles,
                "last_cleanup": last_cleanup,
                "pending_conflicts": pending_conflicts,
                "profiles_by_type": profiles_by_type,
                "total_audit_logs": total_audit_logs,
                "total_conflicts": total_conflicts,
                "total_profiles": total_profiles,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.profile_counts_profiles_by_type import ProfileCountsProfilesByType

        d = dict(src_dict)
        active_profiles = d.pop("active_profiles")

        def _parse_last_cleanup(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_cleanup_type_0 = datetime.datetime.fromisoformat(data)

                return last_cleanup_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        last_cleanup = _parse_last_cleanup(d.pop("last_cleanup"))

        pending_conflicts = d.pop("pending_conflicts")

        profiles_by_type = ProfileCountsProfilesByType.from_dict(
            d.pop("profiles_by_type")
        )

        total_audit_logs = d.pop("total_audit_logs")

        total_conflicts = d.pop("total_conflicts")

        total_profiles = d.pop("total_profiles")

        profile_counts = cls(
            active_profiles=active_profiles,
            last_cleanup=last_cleanup,
            pending_conflicts=pending_conflicts,
            profiles_by_type=profiles_by_type,
            total_audit_logs=total_audit_logs,
            total_conflicts=total_conflicts,
            total_profiles=total_profiles,
        )

        profile_counts.additional_properties = d
        return profile_counts

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
