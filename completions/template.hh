// For programs that run while redlock is built: they complete a hand-written template with what the tables of
// cmd/options.hh, cmd/command.hh and cmd/exit_code.hh say.
#pragma once

#include "cmd/options.hh"

#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace redlock::cmd {

inline std::vector<std::string_view> spellings(const Option &option) {
    std::vector<std::string_view> out;
    any_spelling(option, [&](std::string_view each) {
        out.push_back(each);
        return false;
    });
    return out;
}

inline std::string joined(const std::vector<std::string_view> &words, std::string_view separator) {
    std::string out;
    for (const std::string_view word : words) out.append(out.empty() ? "" : separator).append(word);
    return out;
}

// Copies the file `path` to standard output, and replaces each line "@NAME@" by `piece(NAME)`. Throws
// std::runtime_error if the file cannot be read or standard output cannot be written; `piece` throws for an unknown
// name.
void fill_template(const char *path, auto &&piece) {
    std::ifstream lines(path);
    if (!lines) throw std::runtime_error(std::string("cannot read ") + path);
    for (std::string line; std::getline(lines, line);) {
        if (line.size() > 2 && line.front() == '@' && line.back() == '@') {
            std::cout << piece(std::string_view(line).substr(1, line.size() - 2));
        } else {
            std::cout << line << '\n';
        }
    }
    if (!std::cout.flush()) throw std::runtime_error("cannot write");
}

} // namespace redlock::cmd
