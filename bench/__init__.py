"""Benchmarks against peers: ``make bench`` writes bench/results.json."""
