import a_package_nobody_has


def srmodel():
    return a_package_nobody_has.net()
