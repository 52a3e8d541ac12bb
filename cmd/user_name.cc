#include "cmd/user_name.hh"

#include "util/text.hh"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <string_view>

namespace redlock::cmd {

std::string user_name(uid_t uid, const char *passwd) {
    std::ifstream file(passwd);
    for (std::string line; std::getline(file, line);) {
        std::string_view rest = line;
        const auto take_field = [&] {
            const std::size_t end = std::min(rest.find(':'), rest.size());
            const std::string_view field = rest.substr(0, end);
            rest.remove_prefix(std::min(end + 1, rest.size()));
            return field;
        };
        const std::string_view name = take_field();
        take_field(); // the password, or an x
        if (parse_number<uid_t>(take_field()) == uid && !name.empty()) return std::string(name);
    }
    return uid == 0 ? "root" : fmt::format("uid {}", uid);
}

} // namespace redlock::cmd
