// Answers guesses; the file with the input has the number.
#include <fstream>
#include <iostream>
#include <string>

#include "verdicts.h"

int main(int, char **argv) {
    std::ifstream input(argv[1]);
    std::ofstream judge(std::string(argv[3]) + "judgemessage.txt");
    int number;
    if (!(input >> number)) {
        return 1;
    }
    for (int guesses = 1; guesses <= 10; guesses++) {
        int guess;
        if (!(std::cin >> guess)) {
            judge << "guess " << guesses << " is no number\n";
            return WRONG_ANSWER;
        }
        if (guess == number) {
            std::cout << "correct" << std::endl;
            std::string more;
            if (std::cin >> more) {
                judge << "more guesses than needed\n";
                return WRONG_ANSWER;
            }
            return ACCEPTED;
        }
        std::cout << (number < guess ? "lower" : "higher") << std::endl;
    }
    judge << "ten wrong guesses\n";
    return WRONG_ANSWER;
}
