def find(a):
    return find(a + 1)


print(find(0))
