#include "cmd/diagnose.hh"

#include "config/secret.hh"
#include "util/similar.hh"

#include <array>
#include <fmt/format.h>
#include <vector>

namespace redlock::cmd {

namespace {

// What fingers know from elsewhere and redlock does without.
struct Habit {
    std::string_view spellings;
    std::string_view answer;
};
constexpr std::array<Habit, 8> habits{{
    {"-u --unlock", "not needed: exec gives the lock back when COMMAND ends; what 'redlock acquire' took is given "
                    "back by 'redlock release'"},
    {"-o --close", "not needed: redlock's descriptors never reach COMMAND, so there is nothing to close, and what "
                   "COMMAND leaves in the background does not keep the lock"},
    {"-F --no-fork", "not possible: redlock must stay beside COMMAND, to renew the lock and to end COMMAND should "
                     "the lock be lost; signals are passed on, so it can be used as if it were COMMAND"},
    {"--command", "write -c"},
    {"-s --shared -j --limit --also --while-pid --max-runtime --survivors --min-hold --once-per --status-file --config "
     "--cacert --cert --key",
     "not in this version of redlock"},
    {"--force --yes", "not needed: redlock asks no question, and what could put a lock at risk cannot be forced; where "
                      "a quarantine must end first, it waits"},
    {"--trust --adopt", "nodes are set up with 'redlock init'"},
    {"--verbatim", "not needed: the command is executed directly, without a shell"},
}};

// Commands as other tools call them.
struct Synonym {
    std::string_view words;
    Command command;
};
constexpr std::array<Synonym, 8> synonyms{{
    {"run with do wrap hold flock start execute lockrun withlock", Command::exec},
    {"lock take get grab obtain try trylock try-lock claim reserve", Command::acquire},
    {"renew refresh prolong keepalive keep-alive touch heartbeat", Command::extend},
    {"unlock free drop del delete rm remove giveback give-back rel abandon yield", Command::release},
    {"check info show who holder holders query inspect stat state exists locked is-locked ttl", Command::status},
    {"ping test verify health healthcheck nodes diagnose", Command::doctor},
    {"setup set-up initialize initialise bootstrap create", Command::init},
    {"demo sandbox playground servers", Command::lab},
}};

bool has_word(std::string_view list, std::string_view word) {
    for (std::size_t at = 0; at <= list.size();) {
        const std::size_t end = std::min(list.find(' ', at), list.size());
        if (list.substr(at, end - at) == word) return true;
        at = end + 1;
    }
    return false;
}

std::string commands_in(unsigned set) {
    std::string text;
    for (const CommandInfo &each : all_commands)
        if ((set & bit(each.command)) != 0)
            text += fmt::format("{}'redlock {}'", text.empty() ? "" : " and ", each.name);
    return text;
}

// Without the dashes: they would make short names look alike.
std::string_view guess_long(const CommandInfo &command, std::string_view spelling) {
    std::vector<std::string_view> names;
    for (const Option &option : all_options)
        if (takes(command, option))
            any_spelling(option, [&](std::string_view each) {
                if (each.starts_with("--")) names.push_back(each.substr(2));
                return false;
            });
    return closest(spelling, names);
}

} // namespace

std::string in_quotes(std::string_view word) { return fmt::format("'{}'", config::show_word(word)); }

std::string command_in_quotes(std::string_view word) {
    const std::size_t end = word.find_first_of(" \t\n");
    if (end == word.npos) return in_quotes(word);
    const std::string_view first = word.substr(0, end);
    // An address that was torn apart is no program.
    const bool doubtful = first.find_first_of(":@,;%?#=&") != first.npos;
    return fmt::format("'{} ...'", doubtful ? "***" : config::show_word(first));
}

std::string see_help(const CommandInfo &command) { return fmt::format("see 'redlock {} --help'", command.name); }

void refuse_unknown_option(const CommandInfo &command, std::string_view spelling, std::string_view word) {
    for (const Habit &habit : habits)
        if (has_word(habit.spellings, spelling)) throw UsageError(fmt::format("{}: {}", spelling, habit.answer));
    if (const Option *other = find_option(spelling))
        throw UsageError(fmt::format("{} is an option of {}, 'redlock {}' does not take it; {}", spelling,
                                     commands_in(other->commands), command.name, see_help(command)));
    // "-ttl" is read as -t -t -l; what was meant is --ttl.
    const bool single_dash = !word.starts_with("--");
    const std::string_view typed = word.substr(single_dash ? 1 : 2, word.find('=') - (single_dash ? 1 : 2));
    const std::string_view guess = guess_long(command, typed);
    const std::string hint = guess.empty() ? see_help(command) : fmt::format("did you mean --{}?", guess);
    throw UsageError(fmt::format("{}: unknown option {}; {}", command.name, in_quotes(spelling), hint));
}

void refuse_missing_value(const Option &option, std::string_view spelling) {
    throw UsageError(fmt::format("{} needs a value and none follows; write {} {}", spelling, spelling, option.metavar));
}

void refuse_value_of_flag(std::string_view spelling, std::string_view value) {
    const bool nonblock = find_option(spelling) == &option("-n");
    throw UsageError(
        fmt::format("{} takes no value, {} was given; {}", spelling, in_quotes(value),
                    nonblock ? "to wait for some time, write --wait DUR" : "leave out the '=' and the value"));
}

void refuse_unknown_command(std::string_view word) {
    if (word.starts_with("-"))
        throw UsageError(fmt::format("{} stands before the command; options come after it: redlock exec [OPTIONS] NAME "
                                     "COMMAND",
                                     in_quotes(word.substr(0, word.find('=')))));
    for (const Synonym &synonym : synonyms)
        if (!word.empty() && has_word(synonym.words, word))
            throw UsageError(fmt::format("unknown command {}; here it is called 'redlock {}'", in_quotes(word),
                                         info(synonym.command).name));
    std::vector<std::string_view> names{"help"};
    std::string list;
    for (const CommandInfo &each : all_commands) {
        names.push_back(each.name);
        list += fmt::format("{}{}", list.empty() ? "" : ", ", each.name);
    }
    const std::string_view guess = closest(word, names);
    const std::string hint =
        guess.empty()
            ? fmt::format("the commands are {}; to run something under a lock: redlock exec NAME COMMAND", list)
            : fmt::format("did you mean 'redlock {}'?", guess);
    throw UsageError(fmt::format("unknown command {}; {}", in_quotes(word), hint));
}

std::string number_after_nonblock(std::string_view number) {
    return fmt::format(" (-n takes no number: '{}' was read as the NAME of the lock. A lock here has one holder; to "
                       "wait some seconds, write -w {})",
                       number, number);
}

} // namespace redlock::cmd
