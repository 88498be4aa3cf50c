// SPDX-License-Identifier: Apache-2.0
// Starts to count at one.
#include <iostream>
#include <vector>

int main() {
    std::size_t count;
    std::cin >> count;
    std::vector<long long> values(count);
    for (auto &value : values) std::cin >> value;
    long long sum = 0;
    for (std::size_t i = 1; i < values.size(); i++) sum += values[i];
    std::cout << sum << '\n';
}
