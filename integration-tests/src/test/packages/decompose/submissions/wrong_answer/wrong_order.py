from primes import is_prime

n = int(input())
print(*next((n - a, a) for a in range(2, n) if is_prime(a) and is_prime(n - a)))
