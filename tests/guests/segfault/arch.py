import ctypes


def srmodel():
    ctypes.string_at(0)
