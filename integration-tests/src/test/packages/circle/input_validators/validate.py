import sys

sys.exit(42 if all(float(word) >= 0 for word in sys.stdin.read().split()) else 43)
