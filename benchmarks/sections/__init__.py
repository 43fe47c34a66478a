"""The parts of `make bench`: each measures one thing, and gives its block of `docs/performance.md`."""
