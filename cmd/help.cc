#include "cmd/help.hh"

#include "cmd/exit_code.hh"
#include "cmd/options.hh"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string_view>

namespace redlock::cmd {

namespace {

constexpr std::size_t page_width = 79;
constexpr std::size_t help_column = 31;

// `text`, broken at spaces. The first line starts at column `column`; the others begin with `indent` spaces.
std::string wrap(std::string_view text, std::size_t indent, std::size_t column) {
    std::string out;
    bool line_begins = true;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        const std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!line_begins && column + 1 + word.size() > page_width) {
            out += '\n' + std::string(indent, ' ');
            column = indent;
            line_begins = true;
        }
        if (!line_begins) out += ' ';
        out += word;
        column += word.size() + (line_begins ? 0 : 1);
        line_begins = false;
    }
    return out + '\n';
}

// "  left     text": the text begins at `column`, on a line of its own if `left` is too long.
std::string row(std::string_view left, std::string_view text, std::size_t column) {
    std::string out = fmt::format("  {}", left);
    if (out.size() + 2 > column) {
        out += '\n' + std::string(column, ' ');
    } else {
        out.append(column - out.size(), ' ');
    }
    return out + wrap(text, column, column);
}

std::string option_row(const Option &option, std::string_view spellings, std::string_view help) {
    const std::string left = fmt::format("{}{}{}", spellings.starts_with("--") ? "    " : "", spellings,
                                         option.metavar.empty() ? "" : fmt::format(" {}", option.metavar));
    std::string text(help);
    if (!option.default_text.empty()) text += fmt::format(" (default: {})", option.default_text);
    return row(left, text, help_column);
}

std::string option_row(const Option &option) { return option_row(option, option.spellings, option.help); }

// The first spelling, and the name that messages use.
std::string short_option_row(const Option &option) {
    const std::string_view first = option.spellings.substr(0, option.spellings.find(','));
    const std::string_view name = name_of(option);
    return option_row(option, first == name ? std::string(name) : fmt::format("{}, {}", first, name), summary(option));
}

std::string options_text(const CommandInfo &command) {
    std::string out;
    for (std::size_t group = 0; group < group_titles.size(); ++group) {
        std::string rows;
        for (const Option &option : all_options)
            if (option.group == static_cast<Group>(group) && takes(command, option)) rows += option_row(option);
        if (!rows.empty()) out += fmt::format("\n{}:\n{}", group_titles[group], rows);
    }
    if (command.operands != Operands::maybe_command)
        out += "\nDUR is a length of time: 90s, 5min, 1h30m, 500ms, or seconds such as 1.5.\n";
    return out;
}

std::string environment_text(const CommandInfo &command) {
    constexpr std::size_t column = 25;
    std::string out = "\nEnvironment (an option takes precedence):\n";
    for (const Option &option : all_options)
        if (takes(command, option) && !option.environment.empty())
            out += row(option.environment, fmt::format("as {}", name_of(option)), column);
    for (const Variable &variable : other_variables)
        if ((variable.commands & bit(command.command)) != 0) out += row(variable.name, variable.meaning, column);
    return out;
}

std::string exit_codes_text(const CommandInfo &command) {
    constexpr std::size_t column = 9;
    std::string out = "\nExit codes:\n";
    if ((bit(command.command) & running_a_command) != 0)
        out += "  normally that of COMMAND (128 plus the number of its signal), or:\n";
    for (const ExitCode &each : all_exit_codes)
        if ((each.commands & bit(command.command)) != 0)
            out += row(fmt::format("{:>3}", each.code), each.meaning, column);
    return out;
}

std::string usage_text(std::string_view synopsis) {
    std::string out;
    while (!synopsis.empty()) {
        const std::size_t end = synopsis.find('\n');
        out += fmt::format("{}redlock {}\n", out.empty() ? "Usage: " : "       ", synopsis.substr(0, end));
        synopsis.remove_prefix(end + 1);
    }
    return out;
}

} // namespace

std::string help_text(const CommandInfo &command) {
    return usage_text(command.synopsis) + '\n' + wrap(command.about, 0, 0) + options_text(command) +
           environment_text(command) + exit_codes_text(command) + fmt::format("\nExamples:\n{}", command.examples);
}

std::string short_help_text(const CommandInfo &command) {
    std::string out = usage_text(command.synopsis) + '\n' + wrap(command.about, 0, 0) + "\nCommon options:\n";
    for (const Option &option : all_options)
        if (option.common && takes(command, option)) out += short_option_row(option);
    return out;
}

std::string overview_text() {
    std::string out = "Usage: redlock COMMAND [OPTIONS] ...\n\n"
                      "Runs a command on one machine at a time, under a lock on independent Redis or\n"
                      "Valkey nodes (the Redlock algorithm).\n\nCommands:\n";
    for (const CommandInfo &command : all_commands) out += row(command.name, command.summary, 13);
    out += row("help", "help on a command, as in: redlock help exec", 13);
    out += "\nOptions of every command:\n";
    for (const Option *each : {&option("-h"), &option("--help"), &option("--version")}) out += option_row(*each);
    return out + "\nTo try it without your own servers:\n"
                 "  redlock lab -- redlock exec demo echo 'under the lock'\n";
}

std::string version_text() { return "redlock " REDLOCK_VERSION "\n"; }

} // namespace redlock::cmd
