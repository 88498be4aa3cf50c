from primes import is_prime  # comes with the problem

n = int(input())
print(*next((a, n - a) for a in range(2, n) if is_prime(a) and is_prime(n - a)))
