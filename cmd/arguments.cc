#include "cmd/arguments.hh"

#include "cmd/diagnose.hh"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <utility>

namespace redlock::cmd {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Sorts the words. CLI11 gets each option as one word for the name and one for the value, because it takes an empty
// value after '=' for a missing one.
class Splitter {
  public:
    Splitter(const CommandInfo &command, std::span<const std::string> words) : command_(command), words_(words) {}

    Arguments out;
    std::vector<std::string> options;

    void run() {
        while (next_ < words_.size() && !finished_) {
            const std::string &word = words_[next_++];
            after_nonblock_ = std::exchange(nonblock_now_, false);
            if (word == "--") {
                take_rest();
            } else if (word.starts_with("--")) {
                const std::size_t equals = std::min(word.find('='), word.size());
                const std::string spelling = word.substr(0, equals);
                std::optional<std::string> value;
                if (equals < word.size()) value = word.substr(equals + 1);
                if (!take_option(spelling, value, word) && value) refuse_value_of_flag(spelling, *value);
            } else if (word.size() > 1 && word[0] == '-') {
                take_cluster(word);
            } else {
                take_operand(word);
            }
        }
    }

  private:
    // `attached`: the value in the same word, if there is one. Returns false for a flag.
    bool take_option(const std::string &spelling, std::optional<std::string> attached, const std::string &word) {
        const Option *found = find_option(spelling, bit(command_.command));
        if (found == nullptr) refuse_unknown_option(command_, spelling, word);
        if (asks_for_text(*found)) {
            // It takes precedence over every mistake in the same line.
            out = {};
            options = {spelling};
            return finished_ = true;
        }
        options.push_back(spelling);
        nonblock_now_ = found == &option("-n");
        if (found->kind == ValueKind::flag) return false;
        if (!attached && next_ == words_.size()) refuse_missing_value(*found, spelling);
        options.push_back(attached ? *attached : words_[next_++]);
        return true;
    }

    // "-n", "-nq", "-w2", "-nqw 2"
    void take_cluster(const std::string &word) {
        for (std::size_t i = 1; i < word.size(); ++i) {
            const std::string spelling{'-', word[i]};
            const std::string rest = word.substr(i + 1);
            if (take_option(spelling, rest.empty() ? std::nullopt : std::optional(rest), word)) return;
            if (rest.starts_with('=')) refuse_value_of_flag(spelling, rest.substr(1));
            if (nonblock_now_ && !rest.empty() && is_digit(rest[0])) refuse_value_of_flag(spelling, rest);
        }
    }

    void take_operand(const std::string &word) {
        if (runs_a_command() && out.operands.size() == (command_.operands == Operands::maybe_command ? 0 : 1)) {
            --next_;
            return take_rest();
        }
        if (out.operands.empty() && after_nonblock_ && !word.empty() && std::all_of(word.begin(), word.end(), is_digit))
            out.number_hint = number_after_nonblock(word);
        out.operands.push_back(word);
    }

    // After `--`, or from the first word of COMMAND on.
    void take_rest() {
        finished_ = true;
        auto rest = words_.subspan(next_);
        if (command_.operands == Operands::name_and_command && out.operands.empty() && !rest.empty()) {
            out.operands.push_back(rest.front());
            rest = rest.subspan(1);
            // `exec -- db -- ls`: the usage line has a `--` after NAME, and no command has this name.
            if (!rest.empty() && rest.front() == "--") rest = rest.subspan(1);
        }
        auto &target = runs_a_command() ? out.command : out.operands;
        target.insert(target.end(), rest.begin(), rest.end());
    }

    [[nodiscard]] bool runs_a_command() const { return (bit(command_.command) & running_a_command) != 0; }

    const CommandInfo &command_;
    std::span<const std::string> words_;
    std::size_t next_ = 0;
    bool finished_ = false;
    bool nonblock_now_ = false;   // this word ended in -n
    bool after_nonblock_ = false; // the word before did
};

// A flat parser that declares only the options that were typed: declaring all options of the command costs start-up
// time.
Typed parse(const CommandInfo &command, std::vector<std::string> words) {
    Typed typed;
    if (words.empty()) return typed;
    CLI::App app;
    app.set_help_flag();
    std::map<const CLI::Option *, const Option *> table;
    for (const Option &option : all_options) {
        const auto typed_here = [&](std::string_view each) {
            return std::find(words.begin(), words.end(), each) != words.end();
        };
        if (!takes(command, option) || !any_spelling(option, typed_here)) continue;
        const std::string spellings(option.spellings);
        CLI::Option *declared = option.kind == ValueKind::flag ? app.add_flag(spellings) : app.add_option(spellings);
        declared->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        table.emplace(declared, &option);
    }
    try {
        std::reverse(words.begin(), words.end()); // as CLI11 wants it
        app.parse(std::move(words));
    } catch (const CLI::Error &error) {
        // The splitter should have refused all mistakes. what() could repeat a password.
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

} // namespace

const std::string *Typed::last(const Option &option) const {
    const auto found =
        std::find_if(given_.rbegin(), given_.rend(), [&](const Given &given) { return given.option == &option; });
    return found == given_.rend() ? nullptr : &found->value;
}

Arguments read_arguments(const CommandInfo &command, std::span<const std::string> words) {
    Splitter splitter(command, words);
    splitter.run();
    splitter.out.options = parse(command, std::move(splitter.options));
    return std::move(splitter.out);
}

} // namespace redlock::cmd
