// Passwords and tokens from files and from the environment.
#include "cmd/setting_readers.hh"

#include "config/secret_file.hh"

#include <utility>

namespace redlock::cmd {

Value<std::string> read_secret(const Value<std::string> &file, Warnings &warnings) {
    if (file.value == "-") refuse(file.origin, "for standard input write /dev/stdin (a file of that name is ./-)");
    try {
        config::Secret secret = config::read_secret(file.value);
        if (!secret.warning.empty()) warnings.push_back(fmt::format("{}: {}", file.origin.in_words(), secret.warning));
        Value<std::string> text{std::move(secret.text), file.origin};
        text.origin.contents = file.value;
        return text;
    } catch (const ConfigError &error) {
        refuse(file.origin, error.what());
    }
}

void add_logins(std::vector<config::NodeUrl> &nodes, const Origin &addresses, const Sources &sources,
                Warnings &warnings) {
    const Value<std::string> user = sources.text(option("--user")), file = sources.text(option("--password-file"));
    const Value<std::string> password = file.given() ? read_secret(file, warnings) : sources.variable("REDISCLI_AUTH");
    const std::string address = "the address in " + addresses.in_words();
    for (config::NodeUrl &node : nodes) {
        node.login_origin = address;
        if (!node.password.empty()) continue;
        const std::string before = node.user.empty() ? "" : address + " and ";
        const bool by_option = node.user.empty() && user.given();
        if (by_option) node.user = user.value;
        node.password = password.value;
        node.login_origin = password.given()
                                ? (by_option ? user.origin.in_words() + " and " : before) + password.origin.in_words()
                                : "";
        if (node.user.empty() || password.given()) continue;
        // redis-cli reads redis://word@host as a password. The word may well be one, so it is not shown.
        refuse(by_option ? user.origin : addresses,
               fmt::format("{} has a user but no password; write user:password@ (for the default user :password@), or "
                           "give --password-file or REDISCLI_AUTH",
                           node.display()));
    }
}

} // namespace redlock::cmd
