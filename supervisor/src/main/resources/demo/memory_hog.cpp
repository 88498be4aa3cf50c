// SPDX-License-Identifier: Apache-2.0
// Ends in std::bad_alloc, which nobody catches.
#include <vector>

int main() {
    std::vector<std::vector<char>> blocks;
    for (;;) blocks.emplace_back(4 << 20, 'x');
}
