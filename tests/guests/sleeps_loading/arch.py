import time


def srmodel():
    time.sleep(3600)
