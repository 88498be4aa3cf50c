print(3.14159265358979)
while True:
    pass
