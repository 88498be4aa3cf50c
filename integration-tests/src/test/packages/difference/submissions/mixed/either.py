# @EXPECTED_RESULTS@: TIMELIMIT, WRONG-ANSWER
import sys

lines = sys.stdin.readlines()
if len(lines) == 3:
    print("no number")
while True:
    pass
