import sys


def srmodel():
    sys.exit("good bye")
