// generate SHELL TEMPLATE: prints the completion script for bash, zsh or fish. TEMPLATE is the hand-written part; the
// tables in cmd/options.hh and cmd/command.hh replace its lines "@NAME@". Runs while redlock is built, and is not
// installed.
#include "cmd/command.hh"
#include "cmd/options.hh"
#include "completions/template.hh"

#include <algorithm>

namespace redlock::cmd {
namespace {

std::string replaced(std::string_view text, char what, std::string_view with) {
    std::string out;
    for (std::size_t end = text.find(what); end != text.npos; end = text.find(what)) {
        out.append(text.substr(0, end)).append(with);
        text.remove_prefix(end + 1);
    }
    return out.append(text);
}

// One word for bash and zsh. In fish, \ has a meaning inside quotes, too.
std::string quoted(std::string_view text) { return "'" + replaced(text, '\'', R"('\'')") + "'"; }
std::string fish_quoted(std::string_view text) {
    return "'" + replaced(replaced(text, '\\', R"(\\)"), '\'', R"(\')") + "'";
}

bool is_long(std::string_view spelling) { return spelling.starts_with("--"); }

// The words that are offered as a value: the common ones, not all valid ones.
std::vector<std::string_view> values(const Option &option) {
    switch (option.kind) {
    case ValueKind::duration: return {"10s", "30s", "1m", "5m", "1h"};
    case ValueKind::signal: return {"TERM", "INT", "HUP", "QUIT", "USR1", "USR2"};
    case ValueKind::choice: break;
    default: return {};
    }
    std::vector<std::string_view> out;
    for (std::string_view rest = option.metavar; !rest.empty();) {
        const std::size_t end = std::min(rest.find('|'), rest.size());
        out.push_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return out;
}

std::vector<const Option *> options_of(const CommandInfo &command) {
    std::vector<const Option *> out;
    for (const Option &each : all_options)
        if (takes(command, each)) out.push_back(&each);
    return out;
}

bool runs_a_command(const CommandInfo &command) { return (bit(command.command) & running_a_command) != 0; }

// The number of words between the options and COMMAND.
int names_before(const CommandInfo &command) { return command.operands == Operands::name_and_command ? 1 : 0; }

// The scripts need these to find COMMAND: the spellings that take the next word as a value, and those of them that
// replace COMMAND.
std::vector<std::string_view> spellings_where(const CommandInfo &command, auto &&wanted) {
    std::vector<std::string_view> out;
    for (const Option *option : options_of(command)) {
        const auto each = spellings(*option);
        if (wanted(option->kind)) out.insert(out.end(), each.begin(), each.end());
    }
    return out;
}
std::vector<std::string_view> taking_a_word(const CommandInfo &command) {
    return spellings_where(command, [](ValueKind kind) { return kind != ValueKind::flag; });
}
std::vector<std::string_view> taking_a_line(const CommandInfo &command) {
    return spellings_where(command, [](ValueKind kind) { return kind == ValueKind::shell_line; });
}

struct Summary {
    std::string_view name;
    std::string_view text;
};

std::vector<Summary> subjects() {
    std::vector<Summary> out;
    for (const CommandInfo &each : all_commands) out.push_back({each.name, each.summary});
    return out;
}

// Possible first words. --help and --version are listed as words, because shells hide options until a dash is typed.
std::vector<Summary> first_words() {
    std::vector<Summary> out = subjects();
    out.push_back({"help", "help on a command"});
    for (const Option *each : {&option("--help"), &option("--version")})
        out.push_back({name_of(*each), summary(*each)});
    return out;
}

std::vector<Summary> first_short() {
    std::vector<Summary> out;
    for (const Option *each : {&option("-h"), &option("--version")})
        for (const std::string_view spelling : spellings(*each))
            if (!is_long(spelling)) out.push_back({spelling, summary(*each)});
    return out;
}

// bash: "-w=10s:30s:1m" (words to offer), "-n" (no value), "--file=@file" (a rule).

std::string bash_words(const std::vector<Summary> &words, std::string_view indent) {
    std::vector<std::string_view> names;
    for (const Summary &word : words) names.push_back(word.name);
    return std::string(indent) + joined(names, " ") + '\n';
}

std::string bash_value(const Option &option) {
    switch (option.kind) {
    case ValueKind::flag: return "";
    case ValueKind::file: return "=@file";
    case ValueKind::url: return "=@url";
    case ValueKind::shell_line: return "=@line";
    default: return '=' + joined(values(option), ":");
    }
}

std::string bash_commands() {
    std::string out;
    for (const CommandInfo &command : all_commands) {
        out.append("    ").append(command.name).append(")\n");
        out += "      names=" + (runs_a_command(command) ? std::to_string(names_before(command)) : "none") + '\n';
        out += "      options=(\n";
        for (const Option *option : options_of(command)) {
            out += "       ";
            for (const std::string_view spelling : spellings(*option))
                out.append(" ").append(spelling).append(bash_value(*option));
            out += '\n';
        }
        out += "      )\n      ;;\n";
    }
    return out;
}

// zsh: the words of _describe and _arguments.

std::string zsh_words(const std::vector<Summary> &words) {
    std::string out;
    for (const Summary &word : words)
        out += "    " + quoted(std::string(word.name) + ':' + std::string(word.text)) + '\n';
    return out;
}

std::string zsh_escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\' || c == '[' || c == ']' || c == ':') out += '\\';
        out += c;
    }
    return out;
}

std::string zsh_value(const Option &option) {
    if (option.kind == ValueKind::flag) return "";
    std::string action = " "; // offer nothing, not even files
    if (option.kind == ValueKind::file) action = "_files";
    if (option.kind == ValueKind::url) action = "_redlock_url";
    const auto words = values(option);
    if (!words.empty()) action = '(' + joined(words, " ") + ')';
    return ':' + zsh_escaped(option.metavar) + ':' + action;
}

// "-w+": the value is in the same word or in the next. "--wait=": it is after "=" or in the next word.
std::string zsh_spellings(const Option &option) {
    std::vector<std::string> marked;
    for (const std::string_view spelling : spellings(option)) {
        marked.emplace_back(spelling);
        if (option.kind != ValueKind::flag) marked.back() += is_long(spelling) ? '=' : '+';
    }
    const std::vector<std::string_view> words(marked.begin(), marked.end());
    return words.size() == 1 ? marked[0] : '{' + joined(words, ",") + '}';
}

// The options that need not be offered after this one: its own spellings, or all.
std::string zsh_excluded(const Option &option) {
    if (option.kind == ValueKind::url) return "*"; // may be given again
    if (asks_for_text(option)) return "(- : *)";
    return '(' + joined(spellings(option), " ") + ')';
}

std::string zsh_commands() {
    std::string out;
    for (const CommandInfo &command : all_commands) {
        out.append("    ").append(command.name).append(")\n");
        if (runs_a_command(command))
            out += "      if _redlock_find " + std::to_string(names_before(command)) + ' ' +
                   quoted(joined(taking_a_word(command), " ")) + ' ' + quoted(joined(taking_a_line(command), " ")) +
                   "; then\n        _redlock_run\n        return\n      fi\n";
        out += "      _arguments -s -S : \\\n";
        for (const Option *option : options_of(command))
            out += "        " + quoted(zsh_excluded(*option)) + zsh_spellings(*option) +
                   quoted('[' + zsh_escaped(summary(*option)) + ']' + zsh_value(*option)) + " \\\n";
        out += "        ";
        switch (command.operands) {
        case Operands::name:
        case Operands::name_and_command: out += "'1:NAME: '"; break;
        case Operands::names: out += "'*:NAME: '"; break;
        case Operands::maybe_command: out += "'1:COMMAND: '"; break;
        case Operands::none: break;
        }
        out += "\n      ;;\n";
    }
    return out;
}

// fish: a line of `complete` for each option and each first word.

std::string fish_words(const std::vector<Summary> &words, std::string_view condition) {
    std::string out;
    for (const Summary &word : words) {
        // A letter is declared as an option: fish offers it when a dash is typed.
        const bool letter = word.name.starts_with('-') && !is_long(word.name);
        out.append("complete -c redlock -n ").append(condition).append(letter ? " -s " : " -a ");
        out.append(word.name.substr(letter ? 1 : 0)) += " -d " + fish_quoted(word.text) + '\n';
    }
    return out;
}

std::string fish_value(const Option &option) {
    switch (option.kind) {
    case ValueKind::flag: return "";
    case ValueKind::file: return " -r -F";
    case ValueKind::url: return " -x -a '(__redlock_urls)'";
    default: break;
    }
    const auto words = values(option);
    return words.empty() ? " -x" : " -x -k -a '" + joined(words, " ") + "'";
}

std::string fish_options() {
    std::string out;
    for (const Option &option : all_options) {
        std::vector<std::string_view> commands;
        for (const CommandInfo &command : all_commands)
            if (takes(command, option)) commands.push_back(command.name);
        out += "complete -c redlock -n '__redlock_on " + joined(commands, " ") + "'";
        for (const std::string_view spelling : spellings(option))
            out.append(is_long(spelling) ? " -l " : " -s ").append(spelling.substr(is_long(spelling) ? 2 : 1));
        out += fish_value(option) + " -d " + fish_quoted(summary(option)) + '\n';
    }
    return out;
}

std::string fish_commands() {
    std::string out;
    for (const CommandInfo &command : all_commands) {
        if (!runs_a_command(command)) continue;
        out.append("        case ").append(command.name).append("\n");
        out += "            set names " + std::to_string(names_before(command)) + '\n';
        out += "            set valued " + joined(taking_a_word(command), " ") + '\n';
        out += "            set lines " + joined(taking_a_line(command), " ") + '\n';
    }
    return out;
}

std::string piece(std::string_view shell, std::string_view name) {
    if (shell == "bash") {
        if (name == "first") return bash_words(first_words(), "        ");
        if (name == "first_short") return bash_words(first_short(), "        ");
        if (name == "subjects") return bash_words(subjects(), "        ");
        if (name == "commands") return bash_commands();
    } else if (shell == "zsh") {
        if (name == "first") return zsh_words(first_words());
        if (name == "first_short") return zsh_words(first_short());
        if (name == "subjects") return zsh_words(subjects());
        if (name == "commands") return zsh_commands();
    } else if (shell == "fish") {
        if (name == "first") return fish_words(first_words(), "__redlock_first");
        if (name == "first_short") return fish_words(first_short(), "__redlock_first");
        if (name == "subjects") return fish_words(subjects(), "'__redlock_first help'");
        if (name == "commands") return fish_commands();
        if (name == "options") return fish_options();
    }
    throw std::runtime_error("the template wants @" + std::string(name) + "@, which is unknown for " +
                             std::string(shell));
}

} // namespace
} // namespace redlock::cmd

int main(int argc, char **argv) try {
    if (argc != 3) throw std::runtime_error("usage: generate bash|zsh|fish TEMPLATE");
    redlock::cmd::fill_template(argv[2], [&](std::string_view name) { return redlock::cmd::piece(argv[1], name); });
    return 0;
} catch (const std::exception &error) {
    std::cerr << "generate: " << error.what() << '\n';
    return 1;
}
