// generate TEMPLATE: prints redlock(1), as mdoc. OPTIONS, ENVIRONMENT and EXIT STATUS come from the program's tables; a
// person wrote the rest in TEMPLATE. Runs while redlock is built, and is not installed.
#include "cmd/exit_code.hh"
#include "cmd/options.hh"
#include "completions/template.hh"

#include <bit>
#include <sstream>

namespace redlock::cmd {
namespace {

bool is_metavar(std::string_view word) {
    if (word == "NAME" || word == "COMMAND") return true;
    for (const Option &each : all_options)
        if (each.metavar == word) return true;
    return false;
}

bool is_variable(std::string_view word) {
    for (const Variable &each : other_variables)
        if (each.name == word) return true;
    return word == "USER" || word.starts_with("REDLOCK_");
}

// The macro for a word, with the word as its argument; empty for an ordinary word.
std::string macro(std::string_view word) {
    if (find_option(word) != nullptr) return "Fl " + std::string(word.substr(1));
    if (word.starts_with('$')) return "Ev " + std::string(word.substr(1));
    if (is_variable(word)) return "Ev " + std::string(word);
    if (is_metavar(word)) return "Ar " + std::string(word);
    if (find_command(word) != nullptr) return "Cm " + std::string(word);
    const std::size_t bracket = word.find('('); // "timeout(1)"
    if (bracket != word.npos && bracket + 3 == word.size())
        return "Xr " + std::string(word.substr(0, bracket)) + ' ' + word[bracket + 1];
    return {};
}

// A help text as lines of mdoc: a sentence with a capital letter and a full stop.
std::string prose(std::string text) {
    if (find_command(text.substr(0, text.find(' '))) == nullptr && text[0] >= 'a') text[0] += 'A' - 'a';
    std::istringstream words(text + '.');
    std::string out;
    bool line_begins = true;
    for (std::string word; words >> word;) {
        if (word[0] == '\'') // a quotation may have several words
            for (std::string next; word.find('\'', 1) == word.npos && words >> next;) word += ' ' + next;
        const bool opened = word[0] == '(';
        std::size_t end = word.find_last_not_of(".,;:") + 1;
        if (opened || word.find('(') == word.npos) end = word.find_last_not_of(".,;:)") + 1;
        const std::string core = word.substr(opened ? 1 : 0, end - (opened ? 1 : 0));
        const std::string line = core[0] == '\'' ? "Ql " + core.substr(1, core.size() - 2) : macro(core);
        if (line.empty()) {
            out += (line_begins ? "" : " ") + word;
            line_begins = word.back() == '.';
            if (line_begins) out += '\n';
            continue;
        }
        out += (line_begins ? "." : "\n.") + line.substr(0, 3) + (opened ? "( " : "") + line.substr(3);
        for (const char mark : word.substr(end)) out.append(" ") += mark;
        out += '\n';
        line_begins = true;
    }
    return out;
}

// "exec, acquire and extend", "every command except lab"
std::string names(unsigned commands) {
    const bool most = std::popcount(commands) > 4;
    std::vector<std::string_view> names;
    for (const CommandInfo &each : all_commands)
        if (((commands & bit(each.command)) != 0) != most) names.push_back(each.name);
    const std::string last(names.back());
    names.pop_back();
    const std::string list = names.empty() ? last : joined(names, ", ") + " and " + last;
    return most ? "every command except " + list : list;
}

// The text, with the commands that it is about if they are few.
std::string about(unsigned commands, std::string_view text) {
    return prose((std::popcount(commands) > 4 ? "" : "for " + names(commands) + ": ") + std::string(text));
}

std::string item(const Option &option, unsigned commands_of_group) {
    std::string out = ".It";
    for (const std::string_view each : spellings(option))
        out.append(out.size() == 3 ? "" : " ,").append(" Fl ").append(each.substr(1));
    if (!option.metavar.empty()) out.append(" Ar ").append(option.metavar);
    out += '\n';
    if (option.commands != commands_of_group) out += prose("for " + names(option.commands));
    out += prose(std::string(option.help));
    return option.default_text.empty() ? out : out + prose("default: " + std::string(option.default_text));
}

std::string options() {
    std::string out;
    for (std::size_t group = 0; group < group_titles.size(); ++group) {
        unsigned commands = 0; // of the group's first option
        for (const Option &option : all_options) {
            if (option.group != static_cast<Group>(group)) continue;
            if (commands == 0) {
                commands = option.commands;
                out.append(".Ss ").append(group_titles[group]).append(" (");
                out +=
                    (commands == everywhere ? "every command" : names(commands)) + ")\n.Bl -tag -width Ds -compact\n";
            }
            out += item(option, commands);
        }
        out += ".El\n";
    }
    return out;
}

std::string environment() {
    std::string out = ".Bl -tag -width REDLOCK_PASSWORD_FILE -compact\n";
    for (const Option &option : all_options)
        if (!option.environment.empty())
            out.append(".It Ev ").append(option.environment) += '\n' + prose("as " + std::string(name_of(option)));
    std::string_view before;
    for (const Variable &each : other_variables) {
        if (each.name != before) out.append(".It Ev ").append(each.name) += '\n';
        out += about(each.commands, each.meaning);
        before = each.name;
    }
    return out + ".El\n";
}

std::string exit_codes() {
    std::string out = ".Bl -tag -width 126 -compact\n";
    int before = -1;
    for (const ExitCode &each : all_exit_codes) {
        if (each.code != before) out += ".It " + std::to_string(each.code) + '\n';
        out += about(each.commands, each.meaning);
        before = each.code;
    }
    return out + ".El\n";
}

std::string piece(std::string_view name) {
    if (name == "options") return options();
    if (name == "environment") return environment();
    if (name == "exit_codes") return exit_codes();
    throw std::runtime_error("the template has an unknown line @" + std::string(name) + "@");
}

} // namespace
} // namespace redlock::cmd

int main(int argc, char **argv) try {
    if (argc != 2) throw std::runtime_error("usage: generate TEMPLATE");
    redlock::cmd::fill_template(argv[1], redlock::cmd::piece);
    return 0;
} catch (const std::exception &error) {
    std::cerr << "generate: " << error.what() << '\n';
    return 1;
}
