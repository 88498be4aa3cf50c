while True:
    print("0" * 65536)
