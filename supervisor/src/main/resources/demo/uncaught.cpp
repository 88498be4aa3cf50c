// SPDX-License-Identifier: Apache-2.0
#include <vector>

int main() {
    std::vector<int> values;
    return values.at(7);
}
