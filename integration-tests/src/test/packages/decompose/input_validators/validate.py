import sys

number = int(sys.stdin.read())
sys.exit(42 if 4 <= number <= 10000 and number % 2 == 0 else 43)
