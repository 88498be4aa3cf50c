"""
@EXPECTED_RESULTS@: CORRECT
"""
import sys

print("\n".join(str(abs(int(a) - int(b))) for a, b in map(str.split, sys.stdin)))
