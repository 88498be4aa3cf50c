// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <iterator>
#include <numeric>

int main() {
    std::ios::sync_with_stdio(false);
    long long count;
    std::cin >> count;
    std::istream_iterator<long long> first(std::cin), last;
    std::cout << std::accumulate(first, last, 0LL) << '\n';
}
