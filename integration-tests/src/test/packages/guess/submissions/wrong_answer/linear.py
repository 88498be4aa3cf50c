# The validator ends after ten guesses, and this then dies of the end of its input.
guess = 1
while True:
    print(guess, flush=True)
    if input() == "correct":
        break
    guess += 1
