"""Files on this machine: written whole, locked, fetched, unpacked, cached and read strictly, each in one place."""
