#include "config/secret.hh"

#include "util/error.hh"
#include "util/fd.hh"
#include "util/text.hh"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace redlock::config {

namespace {

constexpr std::string_view digits = "0123456789";

// Where a text without '@' stops being surely harmless: a colon with something else than a port behind it
// ("redis://user:password" without its host), or without a host before it.
std::size_t doubtful_colon(std::string_view rest) {
    if (rest.starts_with('[')) return std::string_view::npos;
    const std::size_t colon = rest.find(':');
    if (colon == 0 || colon == std::string_view::npos) return colon;
    const std::size_t end = rest.find_first_not_of(digits, colon + 1);
    const bool port = end == std::string_view::npos || (rest[end] == '/' && end > colon + 1);
    return port ? std::string_view::npos : colon;
}

} // namespace

std::string hide_password(std::string_view address) {
    std::string shown;
    const std::size_t scheme = address.find("://");
    if (scheme != std::string_view::npos &&
        address.substr(0, scheme).find_first_of(":/@?#") == std::string_view::npos) {
        shown = address.substr(0, scheme + 3);
        address.remove_prefix(scheme + 3);
    }
    if (const std::size_t at = address.rfind('@'); at != std::string_view::npos) {
        shown += "***";
        address.remove_prefix(at);
    } else if (const std::size_t colon = doubtful_colon(address); colon != std::string_view::npos) {
        shown += address.substr(0, colon + 1);
        shown += "***";
        address = {};
    }
    const std::size_t query = address.find_first_of("?#");
    shown += address.substr(0, query);
    if (query != std::string_view::npos) {
        const std::string_view rest = address.substr(query);
        const bool harmless = rest.starts_with("?db=") && rest.find_first_not_of(digits, 4) == std::string_view::npos;
        shown += harmless ? rest : "?***";
    }
    return printable(shown);
}

std::string show_word(std::string_view word) {
    const bool doubtful = word.find("://") != std::string_view::npos || word.find('@') != std::string_view::npos;
    return doubtful ? hide_password(word) : printable(word);
}

std::string read_secret(const std::string &file) {
    const auto refuse = [&](std::string_view why) {
        return ConfigError(fmt::format("cannot read '{}': {}", show_word(file), why));
    };
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 4097> text{};
    const ssize_t got = fd ? ::read(fd.get(), text.data(), text.size()) : -1;
    if (got < 0) throw refuse(std::strerror(errno));
    const std::string_view line = std::string_view(text.data(), static_cast<std::size_t>(got));
    if (line.size() == text.size()) throw refuse("it is too long; the secret is expected in its first line");
    std::string secret(line.substr(0, line.find_first_of("\r\n")));
    if (secret.empty()) throw refuse("its first line is empty");
    return secret;
}

} // namespace redlock::config
