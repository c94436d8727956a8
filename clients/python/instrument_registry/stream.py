"""Reads the items of one array of a JSON object while the object arrives."""

from __future__ import annotations

import json
from typing import Any

_DECODER = json.JSONDecoder()
_DELIMITERS = tuple(",]} \t\r\n")


class ArrayItems:
    """Parses a JSON object piece by piece. `fields` has the fields of the object other than the array.

    At any time, the memory holds one piece of the text and its items.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.fields: dict[str, Any] = {}
        self.is_complete = False
        self._text, self._at = "", 0
        self._step, self._field = self._start, ""

    def feed(self, text: str) -> list[Any]:
        """Returns the items that are complete with this piece."""
        self._text, self._at = self._text[self._at :] + text, 0
        items: list[Any] = []
        while (start := self._next_character()) and self._step(start, items):
            pass
        return items

    def finish(self) -> None:
        """Raises `ValueError` if the object is incomplete."""
        if not self.is_complete:
            raise ValueError(f"the response ended before the end of `{self.name}` and its other fields")

    # Each step returns whether it made progress. Otherwise it needs more text.

    def _start(self, start: str, _: list[Any]) -> bool:
        if start != "{":
            raise ValueError(f"expected a JSON object, got `{start}`")
        return self._goto(self._name)

    def _name(self, start: str, _: list[Any]) -> bool:
        if start == ",":
            return self._goto(self._name)
        if start == "}":
            self.is_complete = True
            return self._goto(self._end)
        done, value = self._value(start)
        if done:
            self._field, self._step = value, self._colon
        return done

    def _colon(self, start: str, _: list[Any]) -> bool:
        if start != ":":
            raise ValueError(f"expected `:`, got `{start}`")
        return self._goto(self._content)

    def _content(self, start: str, _: list[Any]) -> bool:
        if start == "[" and self._field == self.name:
            return self._goto(self._item)
        done, value = self._value(start)
        if done:
            self.fields[self._field], self._step = value, self._name
        return done

    def _item(self, start: str, items: list[Any]) -> bool:
        if start == ",":
            return self._goto(self._item)
        if start == "]":
            return self._goto(self._name)
        done, value = self._value(start)
        if done:
            items.append(value)
        return done

    def _end(self, start: str, _: list[Any]) -> bool:
        raise ValueError(f"unexpected `{start}` after the JSON object")

    def _goto(self, step: Any) -> bool:
        self._at += 1
        self._step = step
        return True

    def _next_character(self) -> str:
        """Returns the next character that is no space, or an empty string at the end of the text."""
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        return self._text[self._at : self._at + 1]

    def _value(self, start: str) -> tuple[bool, Any]:
        """Returns whether a value is complete, and the value."""
        try:
            value, end = _DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError:
            return False, None
        # A number ends where something else begins. `12.` can become `12.5`.
        if start not in '"{[' and self._text[end : end + 1] not in _DELIMITERS:
            return False, None
        self._at = end
        return True, value
