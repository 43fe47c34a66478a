"""The parts of `make bench`. Rule: each measures one thing, and gives its blocks of `docs/performance.md` as text."""
