# SPDX-License-Identifier: Apache-2.0
numbers = [int(word for word in input().split()
print(sum(numbers))
