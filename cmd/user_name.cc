#include "cmd/user_name.hh"

#include "util/text.hh"

#include <fmt/format.h>
#include <fstream>
#include <sstream>

namespace redlock::cmd {

std::string user_name(uid_t uid, const char *passwd) {
    std::ifstream file(passwd);
    for (std::string line; std::getline(file, line);) {
        std::istringstream fields(line);
        std::string name, password, number;
        std::getline(std::getline(std::getline(fields, name, ':'), password, ':'), number, ':');
        if (parse_number<uid_t>(number) == uid && !name.empty()) return name;
    }
    return uid == 0 ? "root" : fmt::format("uid {}", uid);
}

} // namespace redlock::cmd
