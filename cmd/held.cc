#include "cmd/held.hh"

#include "util/text.hh"

#include <algorithm>
#include <fmt/format.h>

namespace redlock::cmd {

namespace {

std::string entry_of(const Settings &settings) {
    std::vector<std::string> parts;
    for (const config::NodeUrl &node : settings.nodes) parts.push_back(node.display());
    std::sort(parts.begin(), parts.end()); // the same nodes in another order
    std::uint64_t hash = 0xcbf29ce484222325U; // FNV-1a, with a zero byte after each part
    for (const std::string &part : parts)
        for (std::size_t i = 0; i <= part.size(); ++i)
            hash = (hash ^ static_cast<unsigned char>(part.c_str()[i])) * 0x100000001b3U;
    return fmt::format("{:016x}:{}", hash, percent_encode(settings.key));
}

} // namespace

bool is_held_already(std::string_view held, const Settings &settings) {
    return fmt::format(" {} ", held).find(fmt::format(" {} ", entry_of(settings))) != std::string::npos;
}

std::string with_this_lock(std::string_view held, const Settings &settings) {
    return fmt::format("{}{}{}", held, held.empty() ? "" : " ", entry_of(settings));
}

} // namespace redlock::cmd
