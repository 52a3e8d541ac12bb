#include "cmd/setting_readers.hh"

#include "cmd/signal_name.hh"

namespace redlock::cmd {

namespace {

int read_signal(const Sources &sources) {
    const Value<std::string> found = sources.text(option("--signal"));
    if (!found.given()) return SIGTERM;
    const std::optional<int> signal = parse_signal(found.value);
    if (signal && *signal != SIGKILL && *signal != SIGSTOP) return *signal;
    refuse(found.origin, fmt::format("{} is not a signal that COMMAND could act upon; give a name or number such as "
                                     "TERM, INT or 15 (KILL follows by itself, see --kill-after)",
                                     in_quotes(found.value)));
}

} // namespace

JobSettings read_job(const Sources &sources) {
    const Invocation &line = sources.line();
    JobSettings job;
    job.words = line.words;
    const std::string shell = sources.variable("SHELL").value_or("/bin/sh");
    if (const std::string *shell_line = line.typed.last(option("-c"))) {
        if (shell_line->empty()) throw UsageError("-c: the shell line is empty (an unset variable?)");
        job.words = {shell, "-c", *shell_line};
    }
    job.not_found_hint = line.not_found_hint;
    if (line.words.size() == 1 && line.words[0].find_first_of(" \t\n") != std::string::npos)
        job.not_found_hint += line.command == Command::exec
                                  ? "; COMMAND is one word with blanks in it: for a shell line write exec NAME -c "
                                    "'LINE', for a command leave out the quotes"
                                  : "; COMMAND is one word with blanks in it: leave out the quotes, or write "
                                    "sh -c 'LINE'";
    job.users_shell = job.words.empty(); // lab alone: exec has a COMMAND
    if (job.users_shell) job.words = {shell};
    job.signal = read_signal(sources);
    return job;
}

} // namespace redlock::cmd
