"""What `make` calls: the benchmarks' runner, real servers for tests."""
