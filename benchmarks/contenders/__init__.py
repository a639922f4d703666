"""One file a contender; each imports its own libraries inside functions, where its own environment has them."""
