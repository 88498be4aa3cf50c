import math
import os
import sys

if len(sys.argv) > 1:
    radius = sys.argv[1]
elif os.path.exists("radius.txt"):
    radius = open("radius.txt").read()
else:
    radius = input()
print("%.9e" % (math.pi * float(radius) ** 2))
