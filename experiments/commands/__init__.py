"""One module per subcommand of `vla`: an `Args` dataclass and `main(args) -> int`; found by file name."""
