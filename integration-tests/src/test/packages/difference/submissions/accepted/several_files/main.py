import sys

from arithmetic.difference import difference

for line in sys.stdin:
    print(difference(*map(int, line.split())))
