from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broker import Broker
from ..models.filtering_strictness import FilteringStrictness
from ..models.mode import Mode
from ..models.optimization_level import OptimizationLevel
from ..models.placement_strategy import PlacementStrategy
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.preferences_body_min_modes_type_0 import PreferencesBodyMinModesType0
    from ..models.preferences_body_modes_type_0 import PreferencesBodyModesType0
    from ..models.preferences_body_priorities_type_0 import (
        PreferencesBodyPrioritiesType0,
    )
    from ..models.selector import Selector


T = TypeVar("T", bound="PreferencesBody")


@_attrs_define
class PreferencesBody:
    """The options of plans that are created from a profile, and data of the caller: at most 64 KiB. The service rejects
    names
    that contain `password`, `secret`, `token` or `key`.

        Attributes:
            accounts (int | list[str] | None | Unset):
            broker (Broker | None | Unset):
            connections (int | None | Unset): The minimum number of connections.
            filtering_strictness (FilteringStrictness | None | Unset):
            min_mode (Mode | None | Unset):
            min_modes (None | PreferencesBodyMinModesType0 | Unset): The mode below which no limit of the broker lowers the
                instrument, by key: at most 5,000 keys.
            mode (Mode | None | Unset):
            modes (None | PreferencesBodyModesType0 | Unset): The streaming mode of each instrument, by key: at most 5,000
                keys.
            optimization_level (None | OptimizationLevel | Unset):
            pinned (list[str] | None | Unset): The instruments that no limit may leave out: at most 5,000 keys.
            placement (None | PlacementStrategy | Unset):
            priorities (None | PreferencesBodyPrioritiesType0 | Unset): The priority of each instrument, 0 to 1000, by key:
                at most 5,000 keys.
            selectors (list[Selector] | None | Unset): The selectors of additional instruments. The catalog is searched when
                a plan is created.
            tier (None | str | Unset): The tier of the accounts, not above that of the settings.
    """

    accounts: int | list[str] | None | Unset = UNSET
    broker: Broker | None | Unset = UNSET
    connections: int | None | Unset = UNSET
    filtering_strictness: FilteringStrictness | None | Unset = UNSET
    min_mode: Mode | None | Unset = UNSET
    min_modes: None | PreferencesBodyMinModesType0 | Unset = UNSET
    mode: Mode | None | Unset = UNSET
    modes: None | PreferencesBodyModesType0 | Unset = UNSET
    optimization_level: None | OptimizationLevel | Unset = UNSET
    pinned: list[str] | None | Unset = UNSET
    placement: None | PlacementStrategy | Unset = UNSET
    priorities: None | PreferencesBodyPrioritiesType0 | Unset = UNSET
    selectors: list[Selector] | None | Unset = UNSET
    tier: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.preferences_body_min_modes_type_0 import (
            PreferencesBodyMinModesType0,
        )
        from ..models.preferences_body_modes_type_0 import PreferencesBodyModesType0
        from ..models.preferences_body_priorities_type_0 import (
            PreferencesBodyPrioritiesType0,
        )

        accounts: int | list[str] | None | Unset
        if isinstance(self.accounts, Unset):
            accounts = UNSET
        elif isinstance(self.accounts, list):
            accounts = self.accounts

        else:
            accounts = self.accounts

        broker: None | str | Unset
        if isinstance(self.broker, Unset):
            broker = UNSET
        elif isinstance(self.broker, Broker):
            broker = self.broker.value
        else:
            broker = self.broker

        connections: int | None | Unset
        if isinstance(self.connections, Unset):
            connections = UNSET
        else:
            connections = self.connections

        filtering_strictness: None | str | Unset
        if isinstance(self.filtering_strictness, Unset):
            filtering_strictness = UNSET
        elif isinstance(self.filtering_strictness, FilteringStrictness):
            filtering_strictness = self.filtering_strictness.value
        else:
            filtering_strictness = self.filtering_strictness

        min_mode: None | str | Unset
        if isinstance(self.min_mode, Unset):
            min_mode = UNSET
        elif isinstance(self.min_mode, Mode):
            min_mode = self.min_mode.value
        else:
            min_mode = self.min_mode

        min_modes: dict[str, Any] | None | Unset
        if isinstance(self.min_modes, Unset):
            min_modes = UNSET
        elif isinstance(self.min_modes, PreferencesBodyMinModesType0):
            min_modes = self.min_modes.to_dict()
        else:
            min_modes = self.min_modes

        mode: None | str | Unset
        if isinstance(self.mode, Unset):
            mode = UNSET
        elif isinstance(self.mode, Mode):
            mode = self.mode.value
        else:
            mode = self.mode

        modes: dict[str, Any] | None | Unset
        if isinstance(self.modes, Unset):
            modes = UNSET
        elif isinstance(self.modes, PreferencesBodyModesType0):
            modes = self.modes.to_dict()
        else:
            modes = self.modes

        optimization_level: None | str | Unset
        if isinstance(self.optimization_level, Unset):
            optimization_level = UNSET
        elif isinstance(self.optimization_level, OptimizationLevel):
            optimization_level = self.optimization_level.value
        else:
            optimization_level = self.optimization_level

        pinned: list[str] | None | Unset
        if isinstance(self.pinned, Unset):
            pinned = UNSET
        elif isinstance(self.pinned, list):
            pinned = self.pinned

        else:
            pinned = self.pinned

        placement: None | str | Unset
        if isinstance(self.placement, Unset):
            placement = UNSET
        elif isinstance(self.placement, PlacementStrategy):
            placement = self.placement.value
        else:
            placement = self.placement

        priorities: dict[str, Any] | None | Unset
        if isinstance(self.priorities, Unset):
            priorities = UNSET
        elif isinstance(self.priorities, PreferencesBodyPrioritiesType0):
            priorities = self.priorities.to_dict()
        else:
            priorities = self.priorities

        selectors: list[dict[str, Any]] | None | Unset
        if isinstance(self.selectors, Unset):
            selectors = UNSET
        elif isinstance(self.selectors, list):
            selectors = []
            for selectors_type_0_item_data in self.selectors:
                selectors_type_0_item = selectors_type_0_item_data.to_dict()
                selectors.append(selectors_type_0_item)

        else:
            selectors = self.selectors

        tier: None | str | Unset
        if isinstance(self.tier, Unset):
            tier = UNSET
        else:
            tier = self.tier

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if accounts is not UNSET:
            field_dict["accounts"] = accounts
        if broker is not UNSET:
            field_dict["broker"] = broker
        if connections is not UNSET:
            field_dict["connections"] = connections
        if filtering_strictness is not UNSET:
            field_dict["filtering_strictness"] = filtering_strictness
        if min_mode is not UNSET:
            field_dict["min_mode"] = min_mode
        if min_modes is not UNSET:
            field_dict["min_modes"] = min_modes
        if mode is not UNSET:
            field_dict["mode"] = mode
        if modes is not UNSET:
            field_dict["modes"] = modes
        if optimization_level is not UNSET:
            field_dict["optimization_level"] = optimization_level
        if pinned is not UNSET:
            field_dict["pinned"] = pinned
        if placement is not UNSET:
            field_dict["placement"] = placement
        if priorities is not UNSET:
            field_dict["priorities"] = priorities
        if selectors is not UNSET:
            field_dict["selectors"] = selectors
        if tier is not UNSET:
            field_dict["tier"] = tier

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.preferences_body_min_modes_type_0 import (
            PreferencesBodyMinModesType0,
        )
        from ..models.preferences_body_modes_type_0 import PreferencesBodyModesType0
        from ..models.preferences_body_priorities_type_0 import (
            PreferencesBodyPrioritiesType0,
        )
        from ..models.selector import Selector

        d = dict(src_dict)

        def _parse_accounts(data: object) -> int | list[str] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                componentsschemas_account_choice_type_1 = cast(list[str], data)

                return componentsschemas_account_choice_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(int | list[str] | None | Unset, data)

        accounts = _parse_accounts(d.pop("accounts", UNSET))

        def _parse_broker(data: object) -> Broker | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                broker_type_0 = Broker(data)

                return broker_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Broker | None | Unset, data)

        broker = _parse_broker(d.pop("broker", UNSET))

        def _parse_connections(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        connections = _parse_connections(d.pop("connections", UNSET))

        def _parse_filtering_strictness(
            data: object,
        ) -> FilteringStrictness | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                filtering_strictness_type_0 = FilteringStrictness(data)

                return filtering_strictness_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(FilteringStrictness | None | Unset, data)

        filtering_strictness = _parse_filtering_strictness(
            d.pop("filtering_strictness", UNSET)
        )

        def _parse_min_mode(data: object) -> Mode | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                min_mode_type_0 = Mode(data)

                return min_mode_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Mode | None | Unset, data)

        min_mode = _parse_min_mode(d.pop("min_mode", UNSET))

        def _parse_min_modes(
            data: object,
        ) -> None | PreferencesBodyMinModesType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                min_modes_type_0 = PreferencesBodyMinModesType0.from_dict(data)

                return min_modes_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PreferencesBodyMinModesType0 | Unset, data)

        min_modes = _parse_min_modes(d.pop("min_modes", UNSET))

        def _parse_mode(data: object) -> Mode | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                mode_type_0 = Mode(data)

                return mode_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Mode | None | Unset, data)

        mode = _parse_mode(d.pop("mode", UNSET))

        def _parse_modes(data: object) -> None | PreferencesBodyModesType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                modes_type_0 = PreferencesBodyModesType0.from_dict(data)

                return modes_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PreferencesBodyModesType0 | Unset, data)

        modes = _parse_modes(d.pop("modes", UNSET))

        def _parse_optimization_level(data: object) -> None | OptimizationLevel | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                optimization_level_type_0 = OptimizationLevel(data)

                return optimization_level_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | OptimizationLevel | Unset, data)

        optimization_level = _parse_optimization_level(
            d.pop("optimization_level", UNSET)
        )

        def _parse_pinned(data: object) -> list[str] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                pinned_type_0 = cast(list[str], data)

                return pinned_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None | Unset, data)

        pinned = _parse_pinned(d.pop("pinned", UNSET))

        def _parse_placement(data: object) -> None | PlacementStrategy | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                placement_type_0 = PlacementStrategy(data)

                return placement_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PlacementStrategy | Unset, data)

        placement = _parse_placement(d.pop("placement", UNSET))

        def _parse_priorities(
            data: object,
        ) -> None | PreferencesBodyPrioritiesType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                priorities_type_0 = PreferencesBodyPrioritiesType0.from_dict(data)

                return priorities_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PreferencesBodyPrioritiesType0 | Unset, data)

        priorities = _parse_priorities(d.pop("priorities", UNSET))

        def _parse_selectors(data: object) -> list[Selector] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                selectors_type_0 = []
                _selectors_type_0 = data
                for selectors_type_0_item_data in _selectors_type_0:
                    selectors_type_0_item = Selector.from_dict(
                        selectors_type_0_item_data
                    )

                    selectors_type_0.append(selectors_type_0_item)

                return selectors_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[Selector] | None | Unset, data)

        selectors = _parse_selectors(d.pop("selectors", UNSET))

        def _parse_tier(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        tier = _parse_tier(d.pop("tier", UNSET))

        preferences_body = cls(
            accounts=accounts,
            broker=broker,
            connections=connections,
            filtering_strictness=filtering_strictness,
            min_mode=min_mode,
            min_modes=min_modes,
            mode=mode,
            modes=modes,
            optimization_level=optimization_level,
            pinned=pinned,
            placement=placement,
            priorities=priorities,
            selectors=selectors,
            tier=tier,
        )

        preferences_body.additional_properties = d
        return preferences_body

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
