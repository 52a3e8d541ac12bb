#include "cmd/credentials.hh"

#include "config/secret_file.hh"

#include <utility>

namespace redlock::cmd {

std::string read_secret(const Found<std::string> &file, Settings &settings) {
    if (file.value == "-")
        refuse(is_typed(file.origin),
               fmt::format("{}: for standard input write /dev/stdin (a file of that name is ./-)", file.origin));
    try {
        config::Secret secret = config::read_secret(file.value);
        if (!secret.warning.empty()) settings.warnings.push_back(fmt::format("{}: {}", file.origin, secret.warning));
        return std::move(secret.text);
    } catch (const ConfigError &error) {
        refuse(is_typed(file.origin), fmt::format("{}: {}", file.origin, error.what()));
    }
}

void read_credentials(Settings &settings, const std::string &origin, const Reader &reader) {
    const auto user = reader.text(option("--user"));
    std::optional<Found<std::string>> password;
    if (const auto variable = reader.variable("REDISCLI_AUTH"))
        password = {*variable, "environment variable REDISCLI_AUTH"};
    if (const auto file = reader.text(option("--password-file")))
        password = {read_secret(*file, settings), fmt::format("{} {}", file->origin, in_quotes(file->value))};
    const std::string address = fmt::format("the address in {}", origin);
    for (config::NodeUrl &node : settings.nodes) {
        node.login_origin = address;
        if (!node.password.empty()) continue;
        const std::string before = node.user.empty() ? "" : address + " and ";
        const bool by_option = node.user.empty() && user;
        if (by_option) node.user = user->value;
        if (password) node.password = password->value;
        node.login_origin = !password ? "" : (by_option ? user->origin + " and " : before) + password->origin;
        if (node.user.empty() || password) continue;
        // redis-cli reads redis://word@host as a password; the word may well be one, so it is not shown.
        const std::string &blame = by_option ? user->origin : origin;
        refuse(is_typed(blame), fmt::format("{}: {} has a user but no password; write user:password@ (for the default "
                                            "user :password@), or give --password-file or REDISCLI_AUTH",
                                            blame, node.display()));
    }
}

} // namespace redlock::cmd
