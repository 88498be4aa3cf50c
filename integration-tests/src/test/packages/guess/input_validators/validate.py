import re
import sys

number = sys.stdin.read()
sys.exit(42 if re.fullmatch(r"\d{1,4}\n", number) and 1 <= int(number) <= 1000 else 43)
