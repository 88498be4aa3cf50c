# Both wait for each other.
answer = input()
print(500)
