"""Fixtures of the tests of what runs in the child."""

from loaded_guests import _own_process, load_guest, load_hand_in

__all__ = ["_own_process", "load_guest", "load_hand_in"]
