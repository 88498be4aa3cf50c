// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

int main() {
    std::vector<std::string> words;
    words.push_back(std::vector<int>{1, 2, 3});
}
