"""What `make` calls: the demo, the benchmarks' runner, real servers for tests."""
