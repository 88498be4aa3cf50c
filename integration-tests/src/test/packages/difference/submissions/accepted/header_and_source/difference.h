long long difference(long long a, long long b);
