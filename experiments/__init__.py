"""The `vla` command, presets, suites, benchmarks and results. Nothing imports it."""
