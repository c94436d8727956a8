from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.action import Action

if TYPE_CHECKING:
    from ..models.audit_actor import AuditActor
    from ..models.subscription_profile import SubscriptionProfile


T = TypeVar("T", bound="ProfileVersionEntry")


@_attrs_define
class ProfileVersionEntry:
    """A version of a profile.

    Attributes:
        action (Action): The kind of a change of a profile.
        actor (AuditActor): The caller that made a change.
        created_at (datetime.datetime): The time when the version was created.
        profile (SubscriptionProfile): A profile.
        version (int): The version of the profile: 1 for a new profile, increased by each change.
    """

    action: Action
    actor: AuditActor
    created_at: datetime.datetime
    profile: SubscriptionProfile
    version: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        action = self.action.value

        actor = self.actor.to_dict()

        created_at = self.created_at.isoformat()

        profile = self.profile.to_dict()

        version = self.version

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "action": action,
                "actor": actor,
                "created_at": created_at,
                "profile": profile,
                "version": version,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.audit_actor import AuditActor
        from ..models.subscription_profile import SubscriptionProfile

        d = dict(src_dict)
        action = Action(d.pop("action"))

        actor = AuditActor.from_dict(d.pop("actor"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        profile = SubscriptionProfile.from_dict(d.pop("profile"))

        version = d.pop("version")

        profile_version_entry = cls(
            action=action,
            actor=actor,
            created_at=created_at,
            profile=profile,
            version=version,
        )

        profile_version_entry.additional_properties = d
        return profile_version_entry

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
