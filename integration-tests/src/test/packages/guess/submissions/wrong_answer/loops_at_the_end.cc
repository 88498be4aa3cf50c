// Does not mind the end of its input: it would run into the time limit, but lost before.
#include <iostream>
#include <string>

int main() {
    std::string answer;
    std::cout << "I do not know" << std::endl;
    while (answer != "correct") {
        std::cin >> answer;
    }
}
