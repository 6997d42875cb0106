class Unspeakable(BaseException):
    def __str__(self):
        raise self


def srmodel():
    raise Unspeakable
