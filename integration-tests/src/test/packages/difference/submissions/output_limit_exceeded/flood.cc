#include <iostream>

int main() {
    for (;;) {
        std::cout << "0\n";
    }
}
