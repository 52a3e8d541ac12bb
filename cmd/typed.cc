#include "cmd/typed.hh"

#include "cmd/diagnose.hh"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace redlock::cmd {

const std::string *Typed::last(const Option &option) const {
    const auto found =
        std::find_if(given_.rbegin(), given_.rend(), [&](const Given &given) { return given.option == &option; });
    return found == given_.rend() ? nullptr : &found->value;
}

// A flat parser with the options of this command alone: declaring all of them costs start-up time.
Typed read_options(const CommandInfo &command, std::vector<std::string> words) {
    Typed typed;
    if (words.empty()) return typed;
    CLI::App app;
    app.set_help_flag();
    std::map<const CLI::Option *, const Option *> table;
    for (const Option &option : all_options) {
        if (!takes(command, option)) continue;
        const std::string spellings(option.spellings);
        CLI::Option *declared = option.kind == ValueKind::flag ? app.add_flag(spellings) : app.add_option(spellings);
        declared->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        table.emplace(declared, &option);
    }
    try {
        std::reverse(words.begin(), words.end()); // as CLI11 wants it
        app.parse(std::move(words));
    } catch (const CLI::Error &error) {
        // The splitter lets nothing through that could end here. what() might repeat a password.
        throw UsageError(
            fmt::format("{}: the options cannot be read: {}; {}", command.name, error.get_name(), see_help(command)));
    }
    std::map<const CLI::Option *, std::size_t> seen;
    for (const CLI::Option *parsed : app.parse_order()) {
        const Option &option = *table.at(parsed);
        const std::string &value = parsed->results().at(seen[parsed]++);
        typed.add(option, option.kind == ValueKind::flag ? "" : value);
    }
    return typed;
}

} // namespace redlock::cmd
