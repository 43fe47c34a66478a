"""What `make reliability` measures, a module for each table of `docs/reliability.md`. Rule: the build is measured."""
