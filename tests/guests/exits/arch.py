import os


def srmodel():
    os._exit(0)
