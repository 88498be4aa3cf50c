# SPDX-License-Identifier: Apache-2.0
# Adds the count as well.
import sys

print(sum(map(int, sys.stdin.buffer.read().split())))
