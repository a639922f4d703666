"""Other taggers beside ours on the same text: `python -m benchmarks.rivals --data DIR`."""
