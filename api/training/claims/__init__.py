"""Claims: answers that one key alone gives and nobody approved. What they move, and what a person is asked."""
