"""`python -m rtsr_bench`: the same as the console script."""

from rtsr_bench.cli import main

if __name__ == "__main__":
    main()
